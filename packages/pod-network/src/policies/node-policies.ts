/** What a node's kernel has of NetworkPolicies: follows pods, namespaces and policies one by one. */
import { isDeepStrictEqual } from 'node:util';
import type { NetworkPolicy, NetworkPolicySpec } from '@keelson/api/generated/types/networking/v1';
import type { LabelSelector } from '@keelson/api/selectors/labels';
import type { Rules } from '@keelson/proxy/rules/rules';
import { Table } from '@keelson/proxy/rules/table';
import { Groups } from './groups.ts';
import { allowancesOf, DIRECTIONS, directionsOf } from './isolation.ts';
import type { Member } from './members.ts';
import { type Own, OwnPods, type PerDirection } from './own-pods.ts';
import { type PodSet, selectorOf } from './pod-sets.ts';
import { baseRules, COMMENT, isolationRules, ownElements, policyRules, TABLE, unknownRules } from './rules.ts';

type Labels = Readonly<Record<string, string>>;

/** A policy, as what it means to the table. */
interface Policy {
  readonly spec: NetworkPolicySpec;
  readonly namespace: string;
  readonly selector: LabelSelector;
  readonly allowed: PerDirection<{ readonly rules: Rules; readonly sets: readonly PodSet[] }>;
}

/** So many pods, policies or sets at once, then other work gets its turn. */
const SLICE = 25;

/**
 * The table of one node. What is set is only noted; `changes` has the table follow, at the cost of what differs. Pods and policies are
 * named NAMESPACE/NAME.
 */
export class NodePolicies {
  readonly #nodeName: string;
  /** Pods of this node. */
  readonly #own: OwnPods;
  readonly #table = new Table(TABLE, COMMENT);
  readonly #pods = new Map<string, Member>();
  readonly #podsOf = new Groups();
  readonly #namespaces = new Map<string, Labels>();
  readonly #policies = new Map<string, Policy>();
  readonly #policiesOf = new Groups();

  #ranges: readonly string[] = [];

  /** Pods whose elements have to be compared with the table's. */
  readonly #unwritten = new Set<string>();
  /** Whether other chains or sets may be needed than stand in the table. */
  #isOutdated = false;

  /** What of the table is not elements of pods, by owner. */
  #standing: ReadonlyMap<string, Rules> = new Map();
  #sets: ReadonlyMap<string, PodSet> = new Map();
  /** The sets that pods of a namespace may be in. */
  readonly #covering = new Map<string, readonly PodSet[]>();

  constructor(nodeName: string) {
    this.#nodeName = nodeName;
    this.#own = new OwnPods(nodeName, (pod) => this.#selecting(pod));
    this.#table.change(new Map([['', baseRules()]]), 0);
  }

  /** @param pod undefined: has no addresses of its own any more @returns whether there is something to change */
  setPod(name: string, pod: Member | undefined): boolean {
    const before = this.#pods.get(name);
    if (isDeepStrictEqual(before, pod)) return false;
    if (before) this.#podsOf.delete(before.namespace, name);
    if (pod) {
      this.#pods.set(name, pod);
      this.#podsOf.add(pod.namespace, name);
    } else this.#pods.delete(name);
    this.#own.set(name, pod);
    this.#unwritten.add(name);
    return true;
  }

  /** @param labels undefined: is gone @returns whether there is something to change */
  setNamespace(name: string, labels: Labels | undefined): boolean {
    if (isDeepStrictEqual(this.#namespaces.get(name), labels)) return false;
    if (labels) this.#namespaces.set(name, labels);
    else this.#namespaces.delete(name);
    this.#covering.delete(name);
    for (const pod of this.#podsOf.of(name)) this.#unwritten.add(pod);
    return true;
  }

  /** @param ranges of the pods of this node @returns whether there is something to change */
  setRanges(ranges: readonly string[]): boolean {
    if (isDeepStrictEqual(this.#ranges, ranges)) return false;
    this.#ranges = ranges;
    this.#isOutdated = true;
    return true;
  }

  /** @param policy undefined: is gone @returns whether there is something to change */
  setPolicy(name: string, policy: NetworkPolicy | undefined): boolean {
    const before = this.#policies.get(name);
    if (isDeepStrictEqual(before?.spec, policy?.spec)) return false;
    if (before) {
      this.#policies.delete(name);
      this.#policiesOf.delete(before.namespace, name);
    }
    if (policy) {
      const after = compiled(name, policy, this.#nodeName);
      this.#policies.set(name, after);
      this.#policiesOf.add(after.namespace, name);
    }
    this.#isOutdated = true;
    this.#own.policiesChanged((before ?? this.#policies.get(name))!.namespace);
    return true;
  }

  /**
   * A transaction that has the table follow what was set, in pieces, each of which takes little time; between them more may be set.
   * @param now milliseconds
   */
  *changes(now: number): Generator<string> {
    let seen = 0;
    for (const { name, isOther } of this.#own.changes()) {
      if (isOther) {
        this.#isOutdated = true;
        this.#unwritten.add(name);
      }
      if (++seen % SLICE === 0) yield '';
    }
    const gone = this.#isOutdated ? yield* this.#plan(now) : [];
    const rulesOf = (name: string) => [`pod ${name}`, this.#rulesOf(name)] as const;
    yield* this.#write(map(taken(this.#unwritten), rulesOf), now);
    yield* this.#write(
      map(gone, (owner) => [owner, undefined] as const),
      now,
    );
  }

  /** A transaction after which the kernel has what the table has, whatever it had before, in pieces: the table must not change between. */
  rewriting(): Generator<string> {
    return this.#table.rewriting();
  }

  /** Of the cluster: policies; of this node: its pods, the sets that its policies ask for, the elements of all sets and maps. */
  get sizes(): Readonly<Record<'policies' | 'isolated' | 'others' | 'sets' | 'elements', number>> {
    const isolated = [...this.#own.all()].filter(({ by }) => Object.values(by).some((names) => names)).length;
    return {
      policies: this.#policies.size,
      isolated,
      others: this.#own.count - isolated,
      sets: this.#sets.size,
      elements: this.#table.elements,
    };
  }

  /** Which policies select a pod. */
  #selecting({ namespace, labels }: Member): Own['by'] {
    const selecting = [...this.#policiesOf.of(namespace)]
      .map((policy) => [policy, this.#policies.get(policy)!] as const)
      .filter(([, { selector }]) => selector.matches(labels))
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const named = DIRECTIONS.map((direction) => {
      const names = selecting.filter(([, { allowed }]) => allowed[direction]).map(([policy]) => policy);
      return [direction, names.length > 0 ? names : undefined] as const;
    });
    return Object.fromEntries(named);
  }

  /** Writes the chains and sets that the pods of this node need now. @returns the owners of those that they do not need any more */
  *#plan(now: number): Generator<string, string[]> {
    this.#isOutdated = false;
    const sets = new Map<string, PodSet>();
    const policies = new Map<string, Rules>();
    const isolations = new Map<string, Rules>();
    for (const { by } of this.#own.all()) {
      for (const direction of DIRECTIONS) {
        const names = by[direction];
        if (names === undefined) continue;
        const isolation = `${direction} of ${names.join()}`;
        if (isolations.has(isolation)) continue;
        isolations.set(isolation, this.#standing.get(isolation) ?? isolationRules(direction, names));
        for (const name of names) {
          const allowed = this.#policies.get(name)!.allowed[direction]!;
          policies.set(`${direction} by ${name}`, allowed.rules);
          for (const set of allowed.sets) sets.set(set.name, this.#sets.get(set.name) ?? set);
        }
      }
    }
    // No policy isolates a pod in the other directions, whoever it is.
    const held = DIRECTIONS.filter((direction) => some(this.#policies.values(), ({ allowed }) => allowed[direction]));
    const unknown = `unknown in ${[...held, ...this.#ranges].join()}`;
    const before = { sets: this.#sets, standing: this.#standing };
    this.#sets = sets;
    this.#standing = new Map([
      ...map(sets.values(), ({ name, rules }) => [`set ${name}`, rules] as const),
      ...policies,
      ...isolations,
      [unknown, this.#standing.get(unknown) ?? unknownRules(held, this.#ranges)],
    ]);
    const changedSets = [
      ...[...sets.values()].filter(({ name }) => !before.sets.has(name)),
      ...[...before.sets.values()].filter(({ name }) => !sets.has(name)),
    ];
    if (changedSets.length > 0) this.#covering.clear();
    const come = [...this.#standing].filter(([owner, rules]) => before.standing.get(owner) !== rules);
    yield* this.#write(come, now);
    for (const set of changedSets) {
      this.#rewriteMembers(set);
      yield '';
    }
    // Sets can go when no chain asks them any more: they come first in what stands.
    return [...before.standing.keys()].filter((owner) => !this.#standing.has(owner)).reverse();
  }

  /** Pods that may be in a set are compared with the table. */
  #rewriteMembers(set: PodSet): void {
    const namespaces =
      set.namespace === undefined
        ? [...this.#namespaces].filter(([, labels]) => set.covers(labels)).map(([name]) => name)
        : [set.namespace];
    for (const namespace of namespaces) for (const pod of this.#podsOf.of(namespace)) this.#unwritten.add(pod);
  }

  #rulesOf(name: string): Rules | undefined {
    const pod = this.#pods.get(name);
    const own = this.#own.get(name);
    const elements = [
      ...(pod ? this.#setsOf(pod.namespace).flatMap((set) => set.elementsOf(pod)) : []),
      ...(own ? ownElements(own.addresses, own.by) : []),
    ];
    return elements.length === 0 ? undefined : { chains: new Map(), sets: new Map(), elements };
  }

  #setsOf(namespace: string): readonly PodSet[] {
    const known = this.#covering.get(namespace);
    if (known) return known;
    const labels = this.#namespaces.get(namespace);
    const found = [...this.#sets.values()].filter((set) =>
      set.namespace === undefined ? labels && set.covers(labels) : set.namespace === namespace,
    );
    this.#covering.set(namespace, found);
    return found;
  }

  /** As changes of the table, some at once. */
  *#write(changes: Iterable<readonly [string, Rules | undefined]>, now: number): Generator<string> {
    let part = new Map<string, Rules | undefined>();
    for (const [owner, rules] of changes) {
      part.set(owner, rules);
      if (part.size < SLICE) continue;
      yield this.#table.change(part, now);
      part = new Map();
    }
    if (part.size > 0) yield this.#table.change(part, now);
  }
}

function compiled(name: string, policy: NetworkPolicy, nodeName: string): Policy {
  const allowed = directionsOf(policy).map((direction) => {
    const allowances = allowancesOf(policy, direction, nodeName);
    const sets = allowances.flatMap(({ peers, ports }) => [...(peers?.pods ?? []), ...(ports?.named ?? [])]);
    return [direction, { rules: policyRules(name, direction, allowances), sets }] as const;
  });
  return {
    spec: policy.spec,
    namespace: policy.metadata.namespace ?? '',
    selector: selectorOf(policy.spec.podSelector),
    allowed: Object.fromEntries(allowed),
  };
}

/** What is there, and what comes while it is taken. */
function* taken(names: Set<string>): Generator<string> {
  for (const name of names) {
    names.delete(name);
    yield name;
  }
}

function some<T>(list: Iterable<T>, holds: (each: T) => unknown): boolean {
  for (const each of list) if (holds(each)) return true;
  return false;
}

function* map<T, U>(list: Iterable<T>, change: (each: T) => U): Generator<U> {
  for (const each of list) yield change(each);
}
