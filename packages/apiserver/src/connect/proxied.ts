/**
 * What `proxy` stands for: a port of a pod, of a service's endpoint, or of a node (ResourceLocation in
 * pkg/registry/core/{pod,service,node}).
 */
import { lookup } from 'node:dns/promises';
import { badRequest, notFound, serviceUnavailable } from '@keelson/api/errors';
import type { EndpointAddress, Endpoints } from '@keelson/api/generated/types/core/v1';
import { isGlobalUnicast, parseIPSloppy } from '@keelson/api/ip';
import type { Backend } from './backend.ts';
import { goErrorText } from './goerror.ts';
import { livePod, type PodLocator } from './pods.ts';

export interface ProxyLocator extends PodLocator {
  readonly random: () => number;
}

/** Where requests for one name go; the path comes from the request. */
export type Target = Omit<Backend, 'path' | 'query'>;

export interface ProxiedName {
  readonly scheme: '' | 'http' | 'https';
  readonly name: string;
  readonly port: string;
}

/** Pods and services vouch for themselves with whatever certificate they have. */
const ANY_CERTIFICATE = { rejectUnauthorized: false };

/** `name`, `name:port` or `scheme:name:port`. @throws StatusError 400 */
export function proxiedName(id: string, kind: string): ProxiedName {
  const parts = id.split(':');
  const [scheme, name, port] = parts.length === 3 ? parts : ['', ...parts];
  const isValid = parts.length <= 3 && name !== '' && (scheme === '' || scheme === 'http' || scheme === 'https');
  if (!isValid) throw badRequest(`invalid ${kind} request ${JSON.stringify(id)}`);
  return { scheme, name: name!, port: port ?? '' };
}

/** The port is the first that any container declares, unless the client says which. @throws StatusError */
export async function podTarget(locator: ProxyLocator, namespace: string, id: string): Promise<Target> {
  const { scheme, name, port } = proxiedName(id, 'pod');
  const { spec, status } = await livePod(locator, namespace, name);
  const declared = spec.containers?.flatMap((c) => c.ports ?? [])[0]?.containerPort;
  const host = status?.podIPs?.[0]?.ip ?? '';
  if (!isProxyable(host)) throw notAllowed();
  return { scheme: scheme || 'http', host, port: port || String(declared ?? ''), tls: ANY_CERTIFICATE };
}

/** One of the service's endpoints that are pods. @throws StatusError 503 where there is none */
export async function serviceTarget(locator: ProxyLocator, namespace: string, id: string): Promise<Target> {
  const { scheme, name, port } = proxiedName(id, 'service');
  const portName = await portNameOf(locator, namespace, name, port);
  const endpoints = await locator.objects.getLive('endpoints', namespace, name);
  if (!endpoints) throw notFound({ group: '', resource: 'services' }, name);
  if ((endpoints.subsets ?? []).length === 0) throw serviceUnavailable(noEndpoints(name));
  const found = await endpointOf(locator, namespace, endpoints, portName);
  if (!found) throw serviceUnavailable(noEndpoints(id));
  return { scheme: scheme || 'http', ...found, tls: ANY_CERTIFICATE };
}

/** Endpoints know ports by name; the client may say a number. */
async function portNameOf({ objects }: ProxyLocator, namespace: string, name: string, port: string): Promise<string> {
  if (!/^[+-]?\d+$/.test(port)) return port;
  const service = await objects.getLive('services', namespace, name);
  if (!service) throw notFound({ group: '', resource: 'services' }, name);
  const found = service.spec?.ports?.find((p) => p.port === Number(port));
  if (!found) throw serviceUnavailable(`no service port ${Number(port)} found for service ${JSON.stringify(name)}`);
  return found.name ?? '';
}

async function endpointOf(
  locator: ProxyLocator,
  namespace: string,
  { subsets }: Endpoints,
  portName: string,
): Promise<{ host: string; port: string } | undefined> {
  for (const { ports, addresses } of fromSomewhere(subsets ?? [], locator.random)) {
    const port = ports?.find((p) => (p.name ?? '') === portName);
    if (!port) continue;
    for (const address of fromSomewhere(addresses ?? [], locator.random)) {
      if (await isPod(locator, namespace, address)) return { host: address.ip, port: String(port.port) };
    }
  }
  return undefined;
}

/** Whoever may write endpoints does not thereby reach every address: there must be a pod that has it. */
async function isPod({ objects }: ProxyLocator, namespace: string, address: EndpointAddress): Promise<boolean> {
  const { ip, targetRef } = address;
  if (!targetRef?.name || targetRef.namespace !== namespace) return false;
  const pod = await objects.getLive('pods', namespace, targetRef.name);
  return pod?.status?.podIPs?.some((podIP) => podIP.ip === ip) ?? false;
}

function noEndpoints(service: string): string {
  return `no endpoints available for service ${JSON.stringify(service)}`;
}

/** All of them, beginning anywhere. */
function fromSomewhere<T>(items: readonly T[], random: () => number): T[] {
  const start = Math.floor(random() * items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}

/** The kubelet, or another port of the node. @throws StatusError */
export async function nodeTarget(locator: ProxyLocator, id: string): Promise<Target> {
  const { scheme, name, port } = proxiedName(id, 'node');
  const kubelet = await locator.kubelets.of(name, { group: '', resource: 'nodes' });
  await checkHost(kubelet.host);
  if (port === '' || port === kubelet.port) return kubelet.backend('', '');
  return { scheme: scheme || 'http', host: kubelet.host, port, tls: ANY_CERTIFICATE };
}

async function checkHost(host: string): Promise<void> {
  const found = await lookup(host, { all: true }).catch((error: unknown) => {
    throw badRequest(goErrorText(error, host).replace(/^dial tcp: /, ''));
  });
  if (!found.every(({ address }) => isProxyable(address))) throw notAllowed();
}

function isProxyable(address: string): boolean {
  const ip = parseIPSloppy(address);
  return ip !== undefined && isGlobalUnicast(ip);
}

function notAllowed(): Error {
  return badRequest('address not allowed');
}
