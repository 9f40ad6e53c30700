import type { Node, Service } from '@keelson/api/generated/types/core/v1';
import { type EventRecorder, type Lister, storeKey } from '@keelson/client';
import type { Family } from './endpoint.ts';
import { type Counts, type Hinted, isOverloaded, type Ratios, ratiosOf } from './topology.ts';

/** Knows which services are spread over zones, tells when that begins and ends, and when nodes have changed too much for it. */
export class Spreading {
  readonly #nodes: Lister<Node>;
  readonly #recorder: EventRecorder;
  #ratios: Ratios | undefined;
  readonly #counts = new Map<string, Map<Family, Counts>>();
  /** Services that were told that they are spread. */
  readonly #told = new Set<string>();

  constructor(nodes: Lister<Node>, recorder: EventRecorder) {
    this.#nodes = nodes;
    this.#recorder = recorder;
  }

  get ratios(): Ratios | undefined {
    return this.#ratios;
  }

  /** @returns services whose endpoints do not fit the zones any more */
  nodesChanged(): string[] {
    this.#ratios = ratiosOf(this.#nodes.values());
    const isStale = (counts: Counts) => isOverloaded(counts, this.#ratios);
    return [...this.#counts].filter(([, families]) => [...families.values()].some(isStale)).map(([key]) => key);
  }

  /** @param spread by family; a service that is not to be spread has none */
  tell(service: Service, spread: ReadonlyMap<Family, Pick<Hinted, 'counts' | 'problem'>>): void {
    const key = storeKey(service);
    for (const family of (service.spec.ipFamilies ?? []) as Family[]) {
      const { counts, problem } = spread.get(family) ?? {};
      if (counts) {
        if (!this.#told.has(key)) this.#event(service, 'Enabled', 'Topology Aware Hints has been enabled', family);
        this.#told.add(key);
        this.#counts.set(key, (this.#counts.get(key) ?? new Map()).set(family, counts));
      } else {
        const ended = this.#told.has(key) ? 'Topology Aware Hints has been disabled' : undefined;
        const message = problem ?? ended;
        if (message !== undefined) this.#event(service, 'Disabled', message, family);
        this.#drop(key, family);
      }
    }
  }

  forget(key: string): void {
    this.#counts.delete(key);
    this.#told.delete(key);
  }

  #drop(key: string, family: Family): void {
    const families = this.#counts.get(key);
    families?.delete(family);
    if (families?.size === 0) this.#counts.delete(key);
    this.#told.delete(key);
  }

  #event(service: Service, what: 'Enabled' | 'Disabled', message: string, family: Family): void {
    const type = what === 'Enabled' ? 'Normal' : 'Warning';
    this.#recorder.event(service, type, `TopologyAwareHints${what}`, `${message}, addressType: ${family}`);
  }
}
