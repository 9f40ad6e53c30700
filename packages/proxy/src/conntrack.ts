/**
 * Flows of UDP that the kernel goes on sending to endpoints that are gone (pkg/proxy/conntrack/cleanup.go). TCP notices by itself.
 */
import { canonical, type Family, hostPort } from './addresses.ts';
import type { Endpoint } from './endpoints.ts';
import { run } from './run.ts';
import type { ServicePort } from './services.ts';

export interface Flow {
  readonly protocol: string;
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly replySource: string;
  readonly replySourcePort: number;
}

export interface Conntrack {
  /** @throws Error */
  flows(family: Family): Promise<Flow[]>;
  /** @throws Error */
  forget(family: Family, flow: Flow): Promise<void>;
}

const kernelFamily = (family: Family) => family.toLowerCase();

/** By the program `conntrack`. */
export const systemConntrack: Conntrack = {
  flows: async (family) => parseFlows(await run('conntrack', ['-L', '-f', kernelFamily(family), '-p', 'udp'])),
  async forget(family, flow) {
    const { source, sourcePort, destination, destinationPort } = flow;
    const ports = [`--orig-port-src=${sourcePort}`, `--orig-port-dst=${destinationPort}`];
    const ends = [`--orig-src=${source}`, `--orig-dst=${destination}`];
    await run('conntrack', ['-D', '-f', kernelFamily(family), '-p', 'udp', ...ends, ...ports]);
  },
};

/** `udp 17 29 src=10.0.0.2 dst=10.96.0.10 sport=4711 dport=53 src=10.0.0.9 dst=10.0.0.2 sport=53 dport=4711 …`, a line each */
export function parseFlows(listing: string): Flow[] {
  return listing.split('\n').flatMap((line) => {
    const all = (name: string) => [...line.matchAll(new RegExp(`\\b${name}=(\\S+)`, 'g'))].map(([, value]) => value!);
    const [source, replySource] = all('src');
    const [sourcePort, replySourcePort] = all('sport');
    const [destination] = all('dst');
    const [destinationPort] = all('dport');
    if (replySource === undefined || replySourcePort === undefined) return [];
    return [
      {
        protocol: line.split(/\s/, 1)[0]!,
        source: canonical(source!),
        sourcePort: Number(sourcePort),
        destination: canonical(destination!),
        destinationPort: Number(destinationPort),
        replySource: canonical(replySource),
        replySourcePort: Number(replySourcePort),
      },
    ];
  });
}

/**
 * Those that are for a service and do not go to one of its endpoints that serve. Services without such endpoints are left alone.
 * @param services ports with their endpoints
 */
export function staleFlows(
  flows: readonly Flow[],
  services: Iterable<readonly [ServicePort, readonly Endpoint[]]>,
): Flow[] {
  const byAddress = new Map<string, ReadonlySet<string>>();
  const byNodePort = new Map<number, ReadonlySet<string>>();
  for (const [port, endpoints] of services) {
    if (port.protocol !== 'udp') continue;
    const serving = new Set(endpoints.filter(({ serving }) => serving).map((each) => hostPort(each.ip, each.port)));
    if (serving.size === 0) continue;
    const addresses = [port.clusterIp, ...port.ingressIps, ...port.externalIps];
    for (const address of addresses) byAddress.set(hostPort(address, port.port), serving);
    if (port.nodePort !== 0) byNodePort.set(port.nodePort, serving);
  }
  return flows.filter(({ protocol, destination, destinationPort, replySource, replySourcePort }) => {
    if (protocol !== 'udp') return false;
    const goesTo = hostPort(replySource, replySourcePort);
    const allowed = [byAddress.get(hostPort(destination, destinationPort)), byNodePort.get(destinationPort)];
    return allowed.some((endpoints) => endpoints !== undefined && !endpoints.has(goesTo));
  });
}
