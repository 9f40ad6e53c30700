/** /apis of all API servers in one document, merged once and kept until something changes. */
import type { RenderedDocument } from '../discovery/aggregated.ts';
import { renderAggregated } from '../discovery/aggregated.ts';
import type { ApiGroups } from '../discovery/groups.ts';
import type { MediaType } from '../http/negotiate.ts';
import type { Catalogue } from './catalogue.ts';
import { mergeGroups } from './merge.ts';
import type { PeerMetrics } from './metrics.ts';

export class PeerDiscovery {
  readonly #identity: string;
  readonly #own: Pick<ApiGroups, 'aggregatedGroups'>;
  readonly #catalogue: Pick<Catalogue, 'groups'>;
  readonly #metrics: PeerMetrics;
  #merged: ReturnType<typeof mergeGroups> | undefined;
  readonly #rendered = new Map<string, RenderedDocument>();

  constructor(
    identity: string,
    own: Pick<ApiGroups, 'aggregatedGroups'>,
    catalogue: Pick<Catalogue, 'groups'>,
    metrics: PeerMetrics,
  ) {
    this.#identity = identity;
    this.#own = own;
    this.#catalogue = catalogue;
    this.#metrics = metrics;
  }

  invalidate(): void {
    this.#merged = undefined;
    this.#rendered.clear();
  }

  document(mediaType: MediaType, pretty: boolean): RenderedDocument {
    this.#metrics.mergedAsked(this.#merged !== undefined);
    this.#merged ??= this.#merge();
    const key = `${pretty ? '+' : ''}${mediaType}`;
    const known = this.#rendered.get(key) ?? renderAggregated(this.#merged, mediaType, pretty);
    this.#rendered.set(key, known);
    return known;
  }

  #merge(): ReturnType<typeof mergeGroups> {
    const own = this.#own.aggregatedGroups();
    const peers = this.#catalogue.groups();
    return peers.size === 0 ? own : mergeGroups(new Map([...peers, [this.#identity, own]]));
  }
}
