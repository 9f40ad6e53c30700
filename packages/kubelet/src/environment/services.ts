/** Variables that tell of services (pkg/kubelet/envvars/envvars.go). */
import type { Service } from '@keelson/api/generated/types/core/v1';
import { joinHostPort } from '@keelson/component/go/net';

/** Of all services of the pod's namespace, where it wants them; in any case of the API server's. */
export function serviceEnv(services: Iterable<Service>, namespace: string, links: boolean): Map<string, string> {
  const chosen = new Map<string, Service>();
  for (const service of services) {
    const { name = '', namespace: where } = service.metadata;
    const { clusterIP } = service.spec ?? {};
    if (!clusterIP || clusterIP === 'None') continue;
    const isApi = where === 'default' && name === 'kubernetes';
    if (isApi ? !chosen.has(name) : where === namespace && links) chosen.set(name, service);
  }
  return new Map([...chosen.values()].flatMap(variables));
}

function variables({ metadata, spec }: Service): [string, string][] {
  const prefix = variableName(metadata.name!);
  const ip = spec!.clusterIP!;
  const ports = spec?.ports ?? [];
  const named = ports
    .filter(({ name }) => name)
    .map(({ name, port }): [string, string] => [`${prefix}_SERVICE_PORT_${variableName(name!)}`, String(port)]);
  const links = ports.flatMap(({ port, protocol = 'TCP' }, i): [string, string][] => {
    const scheme = protocol.toLowerCase();
    const url = `${scheme}://${joinHostPort(ip, port)}`;
    const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
    return [
      ...(i === 0 ? [[`${prefix}_PORT`, url] as [string, string]] : []),
      [link, url],
      [`${link}_PROTO`, scheme],
      [`${link}_PORT`, String(port)],
      [`${link}_ADDR`, ip],
    ];
  });
  const first = ports[0] ? [[`${prefix}_SERVICE_PORT`, String(ports[0].port)] as [string, string]] : [];
  return [[`${prefix}_SERVICE_HOST`, ip], ...first, ...named, ...links];
}

const variableName = (name: string) => name.replaceAll('-', '_').toUpperCase();
