/**
 * What each peer serves: asked when the lease of its identity comes or changes hands (apiserver/pkg/util/peerproxy/
 * peer_discovery.go).
 */
import type { ConnectionOptions } from 'node:tls';
import type { Clock } from '@keelson/api/clock';
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import type { Logger } from '@keelson/component/logs/logger';
import { aggregate, asError } from '../aggregate.ts';
import type { Backend, BackendPool } from '../connect/backend.ts';
import { ask } from '../connect/front-proxy.ts';
import { parseAggregated } from '../discovery/aggregated.ts';
import type { GroupDiscovery } from '../discovery/documents.ts';
import { Upkeep } from '../upkeep.ts';
import type { PeerAddresses } from './addresses.ts';
import { NO_RESOURCE, type PeerMetrics, type PeerResource } from './metrics.ts';
import type { OwnVersions } from './own-versions.ts';

/** That a request comes from a peer: it is not passed on again. */
export const PROXIED_HEADER = 'x-kubernetes-peer-proxied';

export interface CatalogueOptions {
  readonly addresses: Pick<PeerAddresses, 'of'>;
  readonly pool: BackendPool;
  /** How peers are spoken to. */
  readonly tls: () => ConnectionOptions;
  readonly own: Pick<OwnVersions, 'all'>;
  readonly metrics: PeerMetrics;
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a peer serves. */
interface Offer {
  /** All of it. */
  readonly groups: readonly GroupDiscovery[];
}

/** What is left of the offers without the versions that are no affair of peers. */
interface Offers {
  /** By the peer's identity, without the core group, which /apis does not list. */
  readonly groups: ReadonlyMap<string, readonly GroupDiscovery[]>;
  /** By `group/version/resource`, who serves it. */
  readonly servers: ReadonlyMap<string, readonly string[]>;
}

/** A peer that is starting serves discovery in a moment; one that died keeps its lease for an hour. */
const MOST_PATIENT_MS = 60_000;
const TIMEOUT_MS = 30_000;
const PATHS = ['/api', '/apis'];
const V2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const ACCEPT = `${V2};profile=nopeer,${V2},application/json`;
/** As upstream's servers call themselves to each other. */
const USER = { name: 'system:apiserver', uid: 'system:apiserver', groups: ['system:authenticated'] };
const ALL = 'all';

export class Catalogue {
  readonly #options: CatalogueOptions;
  readonly #upkeep: Upkeep;
  /** By identity, who holds it now. */
  readonly #peers = new Map<string, string>();
  #told: ReadonlyMap<string, Offer> = new Map();
  #offers: Offers | undefined;

  constructor(options: CatalogueOptions) {
    this.#options = options;
    const { clock, logger } = options;
    this.#upkeep = new Upkeep(() => this.#sync(), {
      what: 'discovery of API servers',
      name: 'peer-discovery-cache-sync',
      clock,
      logger,
      maxMs: MOST_PATIENT_MS,
    });
  }

  start(): void {
    this.#upkeep.start();
  }

  stop(): Promise<void> {
    return this.#upkeep.stop();
  }

  /** A peer's lease, as it is now. Whoever holds it later is a new process, which may serve something else. */
  set({ metadata, spec }: Lease): void {
    const [name, holder] = [metadata.name!, spec?.holderIdentity];
    if (holder === undefined || this.#peers.get(name) === holder) return;
    this.#peers.set(name, holder);
    this.#upkeep.add(ALL);
  }

  delete(name: string): void {
    if (this.#peers.delete(name)) this.#upkeep.add(ALL);
  }

  /** By identity, what peers list below /apis. */
  groups(): Offers['groups'] {
    return this.#current().groups;
  }

  /** @returns the identities of peers; [] when there are none */
  whoServes({ group, version, resource }: PeerResource): readonly string[] {
    return this.#current().servers.get(`${group}/${version}/${resource}`) ?? [];
  }

  /** What is no affair of peers has changed. */
  invalidate(): void {
    this.#offers = undefined;
    this.#options.onChange();
  }

  #current(): Offers {
    this.#offers ??= offersOf(this.#told, this.#options.own.all());
    return this.#offers;
  }

  /** Who can't be asked is left out until he can. @throws Error then */
  async #sync(): Promise<void> {
    const told = new Map<string, Offer>();
    const errors: Error[] = [];
    for (const identity of [...this.#peers.keys()]) {
      const { groups, errors: failed } = await this.#ask(identity);
      if (groups.length > 0) told.set(identity, { groups });
      errors.push(...failed);
    }
    this.#told = told;
    this.invalidate();
    const failure = aggregate(errors);
    if (failure) throw failure;
  }

  async #ask(identity: string): Promise<Offer & { errors: Error[] }> {
    const { metrics } = this.#options;
    const groups: GroupDiscovery[] = [];
    const errors: Error[] = [];
    const backend = await this.#backendOf(identity).catch(asError);
    if (backend instanceof Error) {
      metrics.notSynced('hostport_resolution');
      return { groups, errors: [new Error(`${identity}: ${backend.message}`)] };
    }
    for (const path of PATHS) {
      try {
        groups.push(...(await this.#groupsAt({ ...backend, path })));
      } catch (error) {
        metrics.notSynced('fetch_discovery');
        errors.push(new Error(`${identity}: ${asError(error).message}`));
      }
    }
    return { groups, errors };
  }

  /** Where a peer is now. @throws Error when it is not known */
  async #backendOf(identity: string): Promise<Backend> {
    return backendOf(await this.#options.addresses.of(identity), '', this.#options.tls());
  }

  async #groupsAt(backend: Backend): Promise<readonly GroupDiscovery[]> {
    const { pool, metrics } = this.#options;
    const headers = { accept: ACCEPT, [PROXIED_HEADER]: 'true' };
    let code = 503;
    try {
      const reply = await ask(pool, backend, { user: USER, headers, timeoutMs: TIMEOUT_MS });
      code = reply.status;
      if (code !== 200) throw new Error(`discovery request failed with status: ${code}`);
      const groups = parseAggregated(reply);
      if (!groups) throw new Error('error decoding discovery response: it is no APIGroupDiscoveryList');
      return groups;
    } finally {
      metrics.rerouted(code, NO_RESOURCE);
    }
  }
}

/**
 * Where a request for a peer goes.
 * @param path decoded
 * @throws Error when it is not known where the peer is
 */
export function backendOf(
  address: { readonly host: string; readonly port: number } | undefined,
  path: string,
  tls: ConnectionOptions,
): Backend {
  if (!address) throw new Error('missing port in address');
  return { scheme: 'https', host: address.host, port: String(address.port), path, query: '', tls };
}

function offersOf(told: ReadonlyMap<string, Offer>, own: ReadonlySet<string>): Offers {
  const groups = new Map<string, readonly GroupDiscovery[]>();
  const servers = new Map<string, string[]>();
  for (const [identity, offer] of told) {
    const left = without(offer.groups, own);
    groups.set(
      identity,
      left.filter(({ metadata }) => metadata.name !== undefined),
    );
    for (const key of keysOf(left)) servers.set(key, [...(servers.get(key) ?? []), identity]);
  }
  return { groups, servers };
}

/** Groups that are left without a version go, too. */
function without(groups: readonly GroupDiscovery[], versions: ReadonlySet<string>): GroupDiscovery[] {
  const left = groups.map((group) => ({
    ...group,
    versions: group.versions.filter(({ version }) => !versions.has(`${group.metadata.name ?? ''}/${version}`)),
  }));
  return left.filter((group) => group.versions.length > 0);
}

function* keysOf(groups: readonly GroupDiscovery[]): Iterable<string> {
  for (const { metadata, versions } of groups)
    for (const { version, resources = [] } of versions)
      for (const { resource } of resources) yield `${metadata.name ?? ''}/${version}/${resource}`;
}
