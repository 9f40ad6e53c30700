/** What is counted of konnectivity servers, under their library's names (konnectivity-client/pkg/client/metrics). */
import { Counter, Gauge } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { PacketType } from './messages.ts';

export type ConnectionStatus = 'created' | 'dialing' | 'ok';
/** Why nobody was reached. */
export type FailureReason = 'unknown' | 'timeout' | 'endpoint' | 'dialclosed' | 'tunnelclosed';
export type Segment = 'from_client' | 'to_client';

const PREFIX = 'konnectivity_network_proxy_client_';

export class KonnectivityMetrics {
  readonly #packets = new Counter({
    name: `${PREFIX}stream_packets_total`,
    help: 'Packets, by direction and type.',
    stability: 'ALPHA',
    labels: ['segment', 'packet_type'],
  });
  readonly #errors = new Counter({
    name: `${PREFIX}stream_errors_total`,
    help: 'Tunnels that broke off, by direction, code of gRPC and type of packet.',
    stability: 'ALPHA',
    labels: ['segment', 'code', 'packet_type'],
  });
  readonly #failures = new Counter({
    name: `${PREFIX}dial_failure_total`,
    help: 'Tunnels through which nobody was reached, and why.',
    stability: 'ALPHA',
    labels: ['reason'],
  });
  readonly #connections = new Gauge({
    name: `${PREFIX}client_connections`,
    help: 'Tunnels, by how far they are.',
    stability: 'ALPHA',
    labels: ['status'],
  });

  register(registry: MetricsRegistry): void {
    for (const family of [this.#packets, this.#errors, this.#failures, this.#connections])
      registry.register<Counter | Gauge>(family);
  }

  packet(segment: Segment, type: PacketType): void {
    this.#packets.with(segment, type).inc();
  }
  /** @param code by gRPC's name */
  brokeOff(code: string): void {
    this.#errors.with('to_client', code, 'Unknown').inc();
  }
  failed(reason: FailureReason): void {
    this.#failures.with(reason).inc();
  }
  /** A tunnel goes from one status to another. */
  moved(from: ConnectionStatus | undefined, to: ConnectionStatus | undefined): void {
    if (from) this.#connections.with(from).value--;
    if (to) this.#connections.with(to).value++;
  }
}
