/**
 * API servers beside this one, of another version or with another configuration: requests for what they serve and this one does not
 * go to them, and /apis lists what any of them serves. docs/peers.md has the picture.
 */
import type { Clock } from '@keelson/api/clock';
import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import type { KubeObject, TypedObject } from '@keelson/api/object';
import type { Logger } from '@keelson/component/logs/logger';
import { trusting } from '@keelson/component/trust';
import { REGISTRATION_GROUP } from '../aggregation/apiservice.ts';
import { IDENTITY_NAMESPACE, isIdentityLease } from '../bootstrap/identity-lease.ts';
import type { Filter } from '../chain.ts';
import type { Reloadable } from '../config.ts';
import { BackendPool } from '../connect/backend.ts';
import type { Dial } from '../connect/dial.ts';
import type { Forwarding } from '../connect/forward.ts';
import type { ApiGroups } from '../discovery/groups.ts';
import type { HealthChecks } from '../health/checks.ts';
import type { ServingCertificate } from '../http/listener.ts';
import { type Follower, follow } from '../registry/follow.ts';
import type { Resources } from '../resources.ts';
import type { PeerAddresses } from './addresses.ts';
import { Catalogue } from './catalogue.ts';
import { PeerDiscovery } from './discovery.ts';
import type { PeerMetrics } from './metrics.ts';
import { OwnVersions } from './own-versions.ts';
import { reroute } from './reroute.ts';

export interface PeersOptions {
  readonly identity: string;
  readonly addresses: PeerAddresses;
  /** Who signs the serving certificates of peers (`--peer-ca-file`). */
  readonly ca: Reloadable<string>;
  /** What this server proves itself with (`--proxy-client-cert-file`). */
  readonly certificate: Reloadable<ServingCertificate>;
  readonly resources: Resources;
  readonly discovery: ApiGroups;
  readonly forwarding: Omit<Forwarding, 'pool'>;
  /** How peers are connected to. Default: straight. */
  readonly dial: Dial | undefined;
  readonly metrics: PeerMetrics;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/** The name that a peer's certificate must be good for. */
const SERVER_NAME = 'kubernetes.default.svc';

export class Peers {
  readonly filter: Filter;
  readonly discovery: PeerDiscovery;
  readonly #options: PeersOptions;
  readonly #own: OwnVersions;
  readonly #catalogue: Catalogue;
  /** For this server's own questions and for the requests of clients, which end later. */
  readonly #asking: BackendPool;
  readonly #forwarding: BackendPool;
  readonly #unfollow: (() => void)[] = [];
  #isReady = false;
  #isStopped = false;

  constructor(options: PeersOptions) {
    this.#options = options;
    const { ca, certificate, clock, identity, metrics, resources } = options;
    const tls = () => ({ servername: SERVER_NAME, ...certificate.get(), ...trusting(ca.get()) });
    this.#asking = new BackendPool(options.dial);
    this.#forwarding = new BackendPool(options.dial);
    this.#own = new OwnVersions(clock, () => this.#catalogue.invalidate());
    const onChange = () => this.discovery.invalidate();
    this.#catalogue = new Catalogue({ ...options, own: this.#own, pool: this.#asking, tls, onChange });
    this.discovery = new PeerDiscovery(identity, options.discovery, this.#catalogue, metrics);
    options.discovery.onChange(onChange);
    this.filter = reroute({
      ...options,
      catalogue: this.#catalogue,
      forwarding: { ...options.forwarding, pool: this.#forwarding },
      isServedHere: ({ group, version, resource }) => resources.find(`${group}/${version}/${resource}`) !== undefined,
      isReady: () => this.#isReady,
      tls,
    });
  }

  /** Resolves when it is known who the peers are, and what is no affair of theirs; what they serve comes by and by. */
  async start(health: HealthChecks): Promise<void> {
    const followed = health.addBootHook('mixed-version-proxy-handler');
    const asked = health.addBootHook('peer-discovery-workers');
    await this.#follow<APIService>(REGISTRATION_GROUP, 'apiservices', {
      set: (service) => this.#own.setService(service),
      delete: (_namespace, name) => this.#own.deleteService(name),
    });
    await this.#follow<CustomResourceDefinition>('apiextensions.k8s.io', 'customresourcedefinitions', {
      set: (definition) => this.#own.setDefinition(definition),
      delete: (_namespace, name) => this.#own.deleteDefinition(name),
    });
    await this.#follow('coordination.k8s.io', 'leases', {
      set: (lease) => {
        const isPeer = isIdentityLease(lease) && lease.metadata.name !== this.#options.identity;
        if (isPeer) this.#catalogue.set(lease as TypedObject as Lease);
      },
      delete: (namespace, name) => {
        if (namespace === IDENTITY_NAMESPACE) this.#catalogue.delete(name);
      },
    });
    this.#isReady = true;
    followed();
    this.#catalogue.start();
    asked();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const unfollow of this.#unfollow) unfollow();
    this.#asking.close();
    await this.#catalogue.stop();
  }

  /** To be called when no request is passed on any more. */
  close(): void {
    this.#forwarding.close();
  }

  async #follow<T extends TypedObject = KubeObject>(
    group: string,
    resource: string,
    follower: Follower<T>,
  ): Promise<void> {
    const unfollow = await follow(this.#options.resources.storeOf(group, resource), follower);
    if (this.#isStopped) unfollow();
    else this.#unfollow.push(unfollow);
  }
}
