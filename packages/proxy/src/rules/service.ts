/** What one service means to a table (pkg/proxy/nftables: syncProxyRules). */
import { contains, hostPort } from '../addresses.ts';
import { type Endpoint, endpointsKey } from '../endpoints.ts';
import { type Place, type Reachable, reachable } from '../reachable.ts';
import { isExternal, portName, type ServicePort } from '../services.ts';
import { addressType, markForMasquerade, protocolOf, type Setting } from './base.ts';
import { namesOf } from './names.ts';
import type { Chain, Declaration, Element, Rules } from './rules.ts';

export interface Surroundings extends Setting, Place {
  /** Of this node, in this family; undefined where it has none. */
  readonly nodeIp: string | undefined;
}

/** @param endpoints by their key */
export function serviceRules(
  ports: readonly ServicePort[],
  endpoints: ReadonlyMap<string, readonly Endpoint[]>,
  surroundings: Surroundings,
): Rules {
  const all = ports.map((port) => {
    const own = endpoints.get(endpointsKey(port.name, port.protocol)) ?? [];
    return new PortRules(port, reachable(own, port, surroundings), surroundings);
  });
  return {
    chains: new Map(all.flatMap((each) => [...each.chains])),
    sets: new Map(all.flatMap((each) => [...each.sets])),
    elements: all.flatMap((each) => each.elements()),
  };
}

/** Of how many ports the policy leaves no endpoint here, though there are some elsewhere. */
export function withoutLocal(
  ports: readonly ServicePort[],
  endpoints: ReadonlyMap<string, readonly Endpoint[]>,
  place: Place,
): { readonly internal: number; readonly external: number } {
  const lacking = ports.filter((port) => {
    const { anywhere, local } = reachable(endpoints.get(endpointsKey(port.name, port.protocol)) ?? [], port, place);
    return anywhere && local.length === 0;
  });
  return {
    internal: lacking.filter((port) => port.internalPolicyLocal).length,
    external: lacking.filter((port) => port.externalPolicyLocal).length,
  };
}

const DROP = 'drop';
const REJECT = 'goto reject-chain';

class PortRules {
  readonly #port: ServicePort;
  readonly #endpoints: Reachable;
  readonly #place: Surroundings;
  readonly #names: ReturnType<typeof namesOf>;

  constructor(port: ServicePort, endpoints: Reachable, place: Surroundings) {
    this.#port = port;
    this.#endpoints = endpoints;
    this.#place = place;
    this.#names = namesOf(port);
  }

  get chains(): Map<string, Chain> {
    const { cluster, local, all, anywhere } = this.#endpoints;
    const names = this.#names;
    const chains = new Map<string, readonly string[]>();
    if (cluster.length > 0) chains.set(names.cluster, this.#toOneOf(cluster));
    if (local.length > 0) chains.set(names.local, this.#toOneOf(local));
    if (anywhere && isExternal(this.#port)) chains.set(names.external, this.#external());
    if (this.#hasFirewall) chains.set(names.firewall, [this.#firewall()]);
    if (this.#hasAffinity) for (const each of all) chains.set(names.endpoint(each).chain, this.#toEndpoint(each));
    return new Map([...chains].map(([name, rules]) => [name, { hook: '', rules }]));
  }

  get sets(): Map<string, Declaration> {
    if (!this.#hasAffinity) return new Map();
    const type = addressType(this.#place.family);
    const body = `type ${type} ; flags dynamic,timeout ; timeout ${this.#port.affinitySeconds}s ;`;
    return new Map(
      this.#endpoints.all.map((each) => [this.#names.endpoint(each).affinity, { kind: 'set', body } as const]),
    );
  }

  elements(): Element[] {
    const { anywhere, local, all } = this.#endpoints;
    const { clusterIp, port, nodePort, protocol, externalIps, ingressIps } = this.#port;
    const { internalPolicyLocal, externalPolicyLocal } = this.#port;
    const names = this.#names;
    const comment = portName(this.#port);
    const here = (isLocal: boolean) => anywhere && (!isLocal || local.length > 0);
    const refusal = anywhere ? DROP : REJECT;
    const to = (of: string, key: string, verdict: string): Element => ({ of, key, verdict });
    const refused = (of: string, key: string): Element => ({ of, key, verdict: refusal, comment });
    const at = (address: string) => `${address} . ${protocol} . ${port}`;

    const internal = here(internalPolicyLocal)
      ? to('service-ips', at(clusterIp), `goto ${internalPolicyLocal ? names.local : names.cluster}`)
      : refused('no-endpoint-services', at(clusterIp));
    // Of external traffic there is something to be done even where none is taken: that of this node goes elsewhere.
    const external = (services: string, none: string, key: string) => [
      ...(anywhere ? [to(services, key, `goto ${names.external}`)] : []),
      ...(here(externalPolicyLocal) ? [] : [refused(none, key)]),
    ];
    const hairpins = all.filter((each) => each.local);
    return [
      to('cluster-ips', clusterIp, ''),
      internal,
      ...[...externalIps, ...ingressIps].flatMap((ip) => external('service-ips', 'no-endpoint-services', at(ip))),
      ...(this.#hasFirewall ? ingressIps.map((ip) => to('firewall-ips', at(ip), `goto ${names.firewall}`)) : []),
      ...(nodePort === 0 ? [] : external('service-nodeports', 'no-endpoint-nodeports', `${protocol} . ${nodePort}`)),
      ...hairpins.map(({ ip, port }) => to('hairpin-connections', `${ip} . ${ip} . ${protocol} . ${port}`, '')),
    ];
  }

  get #hasAffinity(): boolean {
    return this.#port.affinitySeconds !== undefined;
  }

  get #hasFirewall(): boolean {
    return this.#port.ingressIps.length > 0 && this.#port.sourceRanges.length > 0;
  }

  #toOneOf(endpoints: readonly Endpoint[]): string[] {
    const ip = protocolOf(this.#place.family);
    const random = `numgen random mod ${endpoints.length}`;
    if (!this.#hasAffinity) {
      const choice = endpoints.map((each, i) => `${i} : ${each.ip} . ${each.port}`).join(', ');
      return [`meta l4proto ${this.#port.protocol} dnat ${ip} addr . port to ${random} map { ${choice} }`];
    }
    const named = endpoints.map((each) => this.#names.endpoint(each));
    const choice = named.map(({ chain }, i) => `${i} : goto ${chain}`).join(', ');
    return [
      ...named.map(({ chain, affinity }) => `${ip} saddr @${affinity} goto ${chain}`),
      `${random} vmap { ${choice} }`,
    ];
  }

  #toEndpoint(endpoint: Endpoint): string[] {
    const { affinity } = this.#names.endpoint(endpoint);
    return [
      `update @${affinity} { ${protocolOf(this.#place.family)} saddr }`,
      `meta l4proto ${this.#port.protocol} dnat to ${hostPort(endpoint.ip, endpoint.port)}`,
    ];
  }

  #external(): string[] {
    const { mark, fromPods } = this.#place;
    const { cluster, local } = this.#names;
    if (!this.#port.externalPolicyLocal) return [markForMasquerade(mark), `goto ${cluster}`];
    return [
      // As if it went out to the load balancer and came back.
      ...(fromPods ? [`${fromPods.matches} goto ${cluster}`] : []),
      // An address of the load balancer's may be one of this node's, and be taken as the source.
      `fib saddr type local ${markForMasquerade(mark)}`,
      `fib saddr type local goto ${cluster}`,
      ...(this.#endpoints.local.length > 0 ? [`goto ${local}`] : []),
    ];
  }

  #firewall(): string {
    const { family, nodeIp } = this.#place;
    const { sourceRanges, ingressIps } = this.#port;
    // This node's own packets may carry the load balancer's address as their source.
    const own = nodeIp !== undefined && contains(sourceRanges, nodeIp) ? ingressIps : [];
    return `${protocolOf(family)} saddr != { ${[...sourceRanges, ...own].join(', ')} } drop`;
  }
}
