/**
 * The filter that passes a request on for what another API server serves and this one does not (apiserver/pkg/util/peerproxy/
 * peerproxy_handler.go).
 */
import type { ConnectionOptions } from 'node:tls';
import { serviceUnavailable } from '@keelson/api/errors';
import type { Logger } from '@keelson/component/logs/logger';
import type { Filter } from '../chain.ts';
import type { Backend } from '../connect/backend.ts';
import type { Forwarding } from '../connect/forward.ts';
import { passOn } from '../connect/front-proxy.ts';
import { headerOf } from '../http/answer.ts';
import type { PeerAddresses } from './addresses.ts';
import { backendOf, type Catalogue, PROXIED_HEADER } from './catalogue.ts';
import type { PeerMetrics, PeerResource } from './metrics.ts';

export interface RerouteOptions {
  readonly addresses: Pick<PeerAddresses, 'of'>;
  readonly catalogue: Pick<Catalogue, 'whoServes'>;
  readonly isServedHere: (resource: PeerResource) => boolean;
  /** Whether all is known that it takes to decide; until then everything is for this server. */
  readonly isReady: () => boolean;
  readonly forwarding: Forwarding;
  readonly tls: () => ConnectionOptions;
  readonly metrics: PeerMetrics;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

/** @throws StatusError 503 where it is not known where the peers are */
export function reroute(options: RerouteOptions): Filter {
  const { catalogue, metrics, forwarding, isReady, isServedHere } = options;
  return async (ctx, next) => {
    const { info, exchange } = ctx;
    if (!info.isResourceRequest || !isReady() || headerOf(exchange.headers, PROXIED_HEADER) === 'true') return next();
    const resource = { group: info.apiGroup, version: info.apiVersion, resource: info.resource };
    if (isServedHere(resource)) return next();
    const peers = catalogue.whoServes(resource);
    if (peers.length === 0) return next();
    const backends = await backendsOf(peers, info.path, options);
    if (backends.length === 0) {
      metrics.notRerouted('endpoint_resolution', resource);
      throw serviceUnavailable('Error getting ip and port info of the remote server while proxying');
    }
    const backend = backends[Math.floor(options.random() * backends.length)]!;
    options.logger.info({ path: info.path, to: `${backend.host}:${backend.port}` }, 'passed on to another API server');
    await passOn(ctx, backend, forwarding, { headers: { [PROXIED_HEADER]: 'true' } });
    metrics.rerouted(exchange.status, resource);
  };
}

async function backendsOf(peers: readonly string[], path: string, options: RerouteOptions): Promise<Backend[]> {
  const { addresses, tls, logger } = options;
  const found = await Promise.allSettled(
    peers.map(async (identity) => backendOf(await addresses.of(identity), path, tls())),
  );
  return found.flatMap((each, i) => {
    if (each.status === 'fulfilled') return [each.value];
    logger.error({ peer: peers[i], error: String(each.reason) }, 'it is not known where a peer is');
    return [];
  });
}
