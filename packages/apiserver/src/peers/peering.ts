/** How this server and those beside it deal with each other: what the configuration wants of it, behind one face. */
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Store } from '@keelson/storage/store';
import type { Filter } from '../chain.ts';
import type { ServerConfig } from '../config.ts';
import type { PeersShown } from '../discovery/handler.ts';
import type { IsEnabled } from '../gates.ts';
import type { HealthChecks } from '../health/checks.ts';
import { type PeerAddress, PeerAddresses } from './addresses.ts';
import { Peers, type PeersOptions } from './index.ts';
import { PeerMetrics } from './metrics.ts';

export interface PeeringOptions extends Omit<PeersOptions, 'addresses' | 'ca' | 'certificate' | 'metrics'> {
  readonly config: ServerConfig;
  readonly isEnabled: IsEnabled;
  readonly store: Store;
  readonly registry: MetricsRegistry;
}

export class Peering {
  readonly #config: ServerConfig;
  readonly #addresses: PeerAddresses | undefined;
  readonly #peers: Peers | undefined;
  readonly #metrics: PeerMetrics;

  /** Peers are told of this server where the feature gate has it so; requests go to them where there is `--peer-ca-file`, too. */
  constructor(options: PeeringOptions) {
    const { config, isEnabled, registry } = options;
    this.#config = config;
    this.#metrics = new PeerMetrics(registry);
    if (!isEnabled('UnknownVersionInteroperabilityProxy')) return;
    const addresses = new PeerAddresses(options);
    this.#addresses = addresses;
    const [ca, certificate] = [config.peers?.ca, config.proxyClientCertificate];
    if (ca && certificate) this.#peers = new Peers({ ...options, addresses, ca, certificate, metrics: this.#metrics });
  }

  /** What the health checks want to know. */
  get state(): { readonly areTold: boolean; readonly areAsked: boolean } {
    return { areTold: this.#addresses !== undefined, areAsked: this.#peers !== undefined };
  }

  get filter(): Filter | undefined {
    return this.#peers?.filter;
  }

  get shown(): PeersShown {
    if (!this.#addresses) return {};
    const discovery = this.#peers?.discovery;
    return {
      merged: discovery && ((mediaType, pretty) => discovery.document(mediaType, pretty)),
      onLocal: () => this.#metrics.localAsked(),
    };
  }

  /** @param port that this server listens at. @returns what it tells its peers; undefined: nothing */
  addressOf(port: number): PeerAddress | undefined {
    const { peers, advertiseAddress } = this.#config;
    return this.#addresses && (peers?.advertised ?? { host: advertiseAddress, port });
  }

  async start(health: HealthChecks): Promise<void> {
    await this.#peers?.start(health);
  }

  /** To be called when this server is ready: from then on requests come from peers. */
  async announce(port: number): Promise<void> {
    await this.#addresses?.start(this.addressOf(port)!);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#addresses?.stop(), this.#peers?.stop()]);
  }

  /** To be called when no request is passed on any more. */
  close(): void {
    this.#peers?.close();
  }
}
