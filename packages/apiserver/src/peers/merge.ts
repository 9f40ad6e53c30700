/**
 * The discovery of all API servers as one list: what any of them serves is in it, and what stands before something else on one
 * of them does so here (endpoints/discovery/aggregated/peer_aggregated_handler.go, apimachinery/pkg/util/sort).
 */
import { equal } from '@keelson/api/patch/value';
import type { GroupDiscovery, ResourceDiscovery, VersionDiscovery } from '../discovery/documents.ts';

/** @param servers what each says, by identity; the first in the order of identities is right where they differ */
export function mergeGroups(servers: ReadonlyMap<string, readonly GroupDiscovery[]>): readonly GroupDiscovery[] {
  const lists = [...servers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, groups]) => groups);
  return mergeNamed(lists, ({ metadata }) => metadata.name ?? '', mergeGroup);
}

function mergeGroup(a: GroupDiscovery, b: GroupDiscovery): GroupDiscovery {
  return { ...a, versions: mergeNamed([a.versions, b.versions], ({ version }) => version, mergeVersion) };
}

function mergeVersion(a: VersionDiscovery, b: VersionDiscovery): VersionDiscovery {
  const resources = mergeNamed([a.resources ?? [], b.resources ?? []], ({ resource }) => resource, mergeResource);
  return { version: a.version, ...(resources.length > 0 ? { resources } : {}), freshness: a.freshness };
}

/** Verbs and subresources of both, in the order of names; the rest is as in the first. */
function mergeResource(a: ResourceDiscovery, b: ResourceDiscovery): ResourceDiscovery {
  const subresources = new Map([...(a.subresources ?? []), ...(b.subresources ?? [])].map((s) => [s.subresource, s]));
  return {
    ...a,
    verbs: [...new Set([...a.verbs, ...b.verbs])].sort(),
    ...(subresources.size > 0 ? { subresources: [...subresources].sort(byName).map(([, each]) => each) } : {}),
  };
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1);

function mergeNamed<T>(
  lists: readonly (readonly T[])[],
  nameOf: (each: T) => string,
  merge: (a: T, b: T) => T,
): readonly T[] {
  const merged = new Map<string, T>();
  for (const each of lists.flat()) {
    const name = nameOf(each);
    const known = merged.get(name);
    merged.set(name, known === undefined || equal(known, each) ? (known ?? each) : merge(known, each));
  }
  return mergeOrders(lists.map((list) => list.map(nameOf))).map((name) => merged.get(name)!);
}

/**
 * All names, each once. Neighbours in a list stay in their order, otherwise the alphabet decides; it decides alone where the lists
 * contradict each other.
 */
export function mergeOrders(lists: readonly (readonly string[])[]): readonly string[] {
  const names = [...new Set(lists.flat())].sort();
  const complete = lists.find((list) => list.length === names.length && new Set(list).size === list.length);
  if (complete) return complete;
  const after = new Map<string, Set<string>>(names.map((name) => [name, new Set()]));
  for (const list of lists) for (const [i, name] of list.slice(1).entries()) after.get(list[i]!)!.add(name);
  const waitsFor = new Map<string, number>(names.map((name) => [name, 0]));
  for (const next of after.values()) for (const name of next) waitsFor.set(name, waitsFor.get(name)! + 1);
  const order: string[] = [];
  const left = [...names];
  for (;;) {
    const at = left.findIndex((name) => waitsFor.get(name) === 0);
    if (at < 0) return left.length === 0 ? order : names;
    const [name] = left.splice(at, 1) as [string];
    order.push(name);
    for (const next of after.get(name)!) waitsFor.set(next, waitsFor.get(next)! - 1);
  }
}
