/** How many watches a write will be told to (apiserver/pkg/util/flowcontrol/watch_tracker.go). */
import { parseFieldSelector } from '@keelson/api/selectors/fields';
import type { RequestInfo } from '../requestinfo.ts';

interface Counts {
  all: number;
  readonly byNamespace: Map<string, number>;
  /** By `namespace/name`. */
  readonly byName: Map<string, number>;
}

/** The field that watches of a resource are indexed by: one for a certain value hears of few writes. */
const INDEXED: ReadonlyMap<string, string> = new Map([['pods', 'spec.nodeName']]);

export class WatchTracker {
  readonly #counts = new Map<string, Counts>();

  /** @returns to be called once, when the watch has ended */
  register(info: RequestInfo): () => void {
    if (isNarrow(info)) return () => {};
    this.#add(info, 1);
    return () => this.#add(info, -1);
  }

  /** Watches of the resource, of its namespace, and of the very object. */
  interestedIn({ apiGroup, resource, namespace, name }: RequestInfo): number {
    const counts = this.#counts.get(`${apiGroup}/${resource}`);
    if (counts === undefined) return 0;
    let total = counts.all;
    if (namespace !== '') total += counts.byNamespace.get(namespace) ?? 0;
    if (name !== '' && counts.byName.size > 0) total += counts.byName.get(`${namespace}/${name}`) ?? 0;
    return total;
  }

  #add({ apiGroup, resource, namespace, name }: RequestInfo, step: 1 | -1): void {
    const key = `${apiGroup}/${resource}`;
    let counts = this.#counts.get(key);
    if (counts === undefined) {
      counts = { all: 0, byNamespace: new Map(), byName: new Map() };
      this.#counts.set(key, counts);
    }
    if (name !== '') add(counts.byName, `${namespace}/${name}`, step);
    else if (namespace !== '') add(counts.byNamespace, namespace, step);
    else counts.all += step;
    if (counts.all === 0 && counts.byNamespace.size === 0 && counts.byName.size === 0) this.#counts.delete(key);
  }
}

function add(map: Map<string, number>, key: string, step: number): void {
  const count = (map.get(key) ?? 0) + step;
  if (count === 0) map.delete(key);
  else map.set(key, count);
}

function isNarrow({ resource, fieldSelector }: RequestInfo): boolean {
  const field = INDEXED.get(resource);
  if (field === undefined || fieldSelector === '') return false;
  try {
    return (parseFieldSelector(fieldSelector).requiredValue(field) ?? '') !== '';
  } catch {
    return false;
  }
}
