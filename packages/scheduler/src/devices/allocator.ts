/** Finds devices for claims (dynamic-resource-allocation/structured). */
import { randomUUID } from 'node:crypto';
import type { Node } from '@keelson/api/generated/types/core/v1';
import type { AllocationResult, Device, ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { storeKey } from '@keelson/client';
import { type Amounts, fits, minus, plus, taken } from './capacity.ts';
import { Constraint } from './constraints.ts';
import { Counters } from './counters.ts';
import type { Candidate, Pool, PoolSource, Pools } from './pools.ts';
import { type Classes, isKeptOff, type Wanted, wantedBy } from './requests.ts';
import { type Chosen, resultOf } from './results.ts';
import type { Selectors } from './selectors.ts';

/** How many devices a claim can have. */
const MOST_DEVICES = 32;

/** Devices that claims have. */
export interface Allocated {
  /** By one claim alone. */
  readonly devices: ReadonlySet<string>;
  /** Of devices that claims share: what is taken. */
  readonly shares: ReadonlyMap<string, Amounts>;
}

export interface AllocatorParts {
  readonly classes: Classes;
  readonly pools: Pools;
  readonly allocated: Allocated;
  readonly selectors: Selectors;
  /** How many devices are tried for a node before the search is given up: it is exhaustive, and blocks. */
  readonly steps: number;
}

/** Nodes differ in their devices, and in nothing else: what holds of a device and a request is found out once. */
export class Allocator {
  readonly parts: AllocatorParts;
  readonly #matching = new Map<Wanted, Map<string, boolean>>();
  readonly #claims: readonly { readonly claim: ResourceClaim; readonly requests: readonly (readonly Wanted[])[] }[];

  constructor(claims: readonly ResourceClaim[], parts: AllocatorParts) {
    this.parts = parts;
    this.#claims = claims.map((claim) => ({ claim, requests: wantedBy(claim) }));
  }

  /**
   * For each claim what it gets on a node, or why nothing: `none` if not all can have what they want.
   * @throws Error for claims and classes that make no sense, and when the search takes too long
   */
  allocate(node: Node): AllocationResult[] | string {
    const pools = this.parts.pools.on(node);
    const search = new Search(this.#claims, pools, node, this);
    const found = search.run();
    if (found) {
      const nodeName = node.metadata.name!;
      return this.#claims.map(({ claim }, i) =>
        resultOf(claim, found[i]!.wanted, found[i]!.chosen, nodeName, this.parts.classes),
      );
    }
    if (pools.some(({ problem }) => problem === 'invalid')) return 'invalid resource pools were encountered';
    return 'none';
  }

  /** Whether the selectors of the request and of its class take the device. */
  selects(wanted: Wanted, claim: ResourceClaim, { id, device, slice }: Candidate): boolean {
    const known = this.#matching.get(wanted) ?? new Map<string, boolean>();
    this.#matching.set(wanted, known);
    const before = known.get(id);
    if (before !== undefined) return before;
    const { spec } = this.parts.classes(wanted.className)!;
    const input = { driver: slice.spec.driver, ...device };
    const takes = (expression: string, owner: string) => this.parts.selectors.matches(expression, input, owner);
    const matches =
      (spec.selectors ?? []).every(({ cel }, i) =>
        takes(cel!.expression, `class ${wanted.className}: selector #${i}`),
      ) && wanted.expressions.every((each, i) => takes(each, `claim ${storeKey(claim)}: selector #${i}`));
    known.set(id, matches);
    return matches;
  }
}

/**
 * What became of an attempt. With too many devices the same request cannot succeed in another way, unless an alternative
 * has fewer.
 */
type Outcome = 'done' | 'none' | 'too many';

interface Claiming {
  readonly claim: ResourceClaim;
  readonly requests: readonly (readonly Wanted[])[];
  readonly constraints: readonly Constraint[];
  readonly chosen: Chosen[];
  /** By request, the one that is tried. */
  readonly wanted: Wanted[];
}

/** Tries devices one after the other, for one request after the other, and goes back where it does not go on. */
class Search {
  readonly #claims: readonly Claiming[];
  readonly #pools: readonly Pool[];
  readonly #candidates: readonly Candidate[];
  readonly #node: Node;
  readonly #allocator: Allocator;
  /** Which claims take a device in this search. */
  readonly #taking = new Map<string, Set<Claiming>>();
  readonly #shares = new Map<string, Amounts>();
  readonly #counters = new Map<PoolSource, Counters>();
  readonly #all = new Map<Wanted, readonly Candidate[]>();
  #steps: number;

  constructor(
    claims: readonly Pick<Claiming, 'claim' | 'requests'>[],
    pools: readonly Pool[],
    node: Node,
    allocator: Allocator,
  ) {
    this.#claims = claims.map(({ claim, requests }) => ({
      claim,
      requests,
      constraints: (claim.spec.devices?.constraints ?? []).map((each) => new Constraint(each)),
      chosen: [],
      wanted: [],
    }));
    this.#pools = pools;
    this.#candidates = pools.flatMap(({ candidates }) => candidates);
    this.#node = node;
    this.#allocator = allocator;
    this.#steps = allocator.parts.steps;
  }

  run(): readonly Claiming[] | undefined {
    for (const { claim, requests } of this.#claims) {
      let least = 0;
      for (const alternatives of requests)
        least += Math.min(...alternatives.map((wanted) => this.#countOf(wanted, claim)));
      if (least > MOST_DEVICES) {
        const limit = `exceeds the claim limit of ${MOST_DEVICES}`;
        throw new Error(`claim ${storeKey(claim)}: number of requested devices ${least} ${limit}`);
      }
    }
    return this.#claim(0) === 'done' ? this.#claims : undefined;
  }

  #claim(i: number): Outcome {
    if (i === this.#claims.length) return 'done';
    return this.#request(i, 0) === 'done' ? 'done' : 'none';
  }

  #request(i: number, j: number): Outcome {
    const claiming = this.#claims[i]!;
    const alternatives = claiming.requests[j];
    if (!alternatives) return this.#claim(i + 1);
    let tooMany = true;
    for (const wanted of alternatives) {
      claiming.wanted[j] = wanted;
      const outcome = this.#devices(i, j, wanted, 0, 0);
      if (outcome === 'done') return outcome;
      if (outcome === 'none') tooMany = false;
    }
    return tooMany ? 'too many' : 'none';
  }

  /** @param n how many the request has; @param from where the next is looked for: the order of devices makes no difference */
  #devices(i: number, j: number, wanted: Wanted, n: number, from: number): Outcome {
    const claiming = this.#claims[i]!;
    const count = this.#countOf(wanted, claiming.claim);
    if (count === 0 && wanted.count === undefined) return 'none';
    if (n >= count) return this.#request(i, j + 1);
    if (claiming.chosen.length + count - n > MOST_DEVICES) return 'too many';
    const all = this.#all.get(wanted);
    if (all) return this.#attempt(i, j, wanted, n, all[n]!, 0) ?? 'none';
    for (let at = from; at < this.#candidates.length; at++) {
      const candidate = this.#candidates[at]!;
      if (this.#isInUse(wanted, candidate, claiming)) continue;
      if (!this.#allocator.selects(wanted, claiming.claim, candidate)) continue;
      const outcome = this.#attempt(i, j, wanted, n, candidate, at + 1);
      if (outcome === 'done' || outcome === 'too many') return outcome;
    }
    return 'none';
  }

  /** With the device, everything that is still to be found. @returns `undefined` if the device cannot be had */
  #attempt(i: number, j: number, wanted: Wanted, n: number, candidate: Candidate, next: number): Outcome | undefined {
    const giveBack = this.#take(wanted, candidate, this.#claims[i]!);
    if (!giveBack) return undefined;
    const outcome = this.#devices(i, j, wanted, n + 1, next);
    if (outcome !== 'done') giveBack();
    return outcome;
  }

  #take(wanted: Wanted, candidate: Candidate, claiming: Claiming): (() => void) | undefined {
    if (--this.#steps < 0) throw new Error(`node ${this.#node.metadata.name}: timed out trying to allocate devices`);
    const { id, device } = candidate;
    if (this.#isInUse(wanted, candidate, claiming) || isKeptOff(device.taints, wanted)) return undefined;
    const amounts = taken(device, wanted.capacity);
    const used = this.#used(id);
    if (!amounts || !fits(device, amounts, used)) return undefined;
    const counters = device.consumesCounters?.length && !used ? this.#countersOf(candidate) : undefined;
    if (counters && !counters.take(device)) {
      counters.giveBack(device);
      return undefined;
    }
    const held = this.#constrain(wanted, candidate, claiming);
    if (!held) {
      counters?.giveBack(device);
      if (wanted.count !== undefined) return undefined;
      const why = `cannot add device ${id} because a claim constraint would not be satisfied`;
      throw new Error(`claim ${storeKey(claiming.claim)}, request ${wanted.name}: ${why}`);
    }
    const release = isShared(device) ? this.#share(id, amounts) : this.#own(id, claiming);
    const share = isShared(device) ? { id: randomUUID(), amounts } : undefined;
    claiming.chosen.push({ wanted, candidate, share });
    return () => {
      claiming.chosen.pop();
      release();
      for (const constraint of claiming.constraints) constraint.remove(wanted);
      counters?.giveBack(device);
    };
  }

  #constrain(wanted: Wanted, candidate: Candidate, { constraints }: Claiming): boolean {
    for (const [k, constraint] of constraints.entries()) {
      if (constraint.add(wanted, candidate)) continue;
      for (const earlier of constraints.slice(0, k)) earlier.remove(wanted);
      return false;
    }
    return true;
  }

  #own(id: string, claiming: Claiming): () => void {
    const taking = this.#taking.get(id) ?? new Set();
    this.#taking.set(id, taking.add(claiming));
    return () => taking.delete(claiming);
  }

  #share(id: string, amounts: Amounts): () => void {
    const before = this.#shares.get(id);
    this.#shares.set(id, plus(before, amounts));
    return () => {
      if (before) this.#shares.set(id, minus(this.#shares.get(id)!, amounts));
      else this.#shares.delete(id);
    };
  }

  /** Who has admin access may have what others have, yet a claim has no device twice. */
  #isInUse({ admin }: Wanted, { id, device }: Candidate, claiming: Claiming): boolean {
    const taking = this.#taking.get(id);
    if (admin) return !isShared(device) && taking?.has(claiming) === true;
    return this.#allocator.parts.allocated.devices.has(id) || (taking !== undefined && taking.size > 0);
  }

  #used(id: string): Amounts | undefined {
    const others = this.#allocator.parts.allocated.shares.get(id);
    const here = this.#shares.get(id);
    return here ? plus(others, here) : others;
  }

  #countersOf({ pool: { source } }: Candidate): Counters {
    let counters = this.#counters.get(source);
    if (!counters) {
      const { devices, shares } = this.#allocator.parts.allocated;
      counters = new Counters(source, (id) => devices.has(id) || shares.has(id));
      this.#counters.set(source, counters);
    }
    return counters;
  }

  #countOf(wanted: Wanted, claim: ResourceClaim): number {
    if (wanted.count !== undefined) return wanted.count;
    let all = this.#all.get(wanted);
    if (!all) {
      all = this.#findAll(wanted, claim);
      this.#all.set(wanted, all);
    }
    return all.length;
  }

  #findAll(wanted: Wanted, claim: ResourceClaim): readonly Candidate[] {
    for (const { id, problem } of this.#pools) {
      if (!problem) continue;
      const what = `asks for all devices, but resource pool ${id} is currently`;
      const state = problem === 'incomplete' ? 'being updated' : problem;
      throw new Error(`claim ${storeKey(claim)}, request ${wanted.name}: ${what} ${state}`);
    }
    return this.#candidates.filter((candidate) => this.#allocator.selects(wanted, claim, candidate));
  }
}

function isShared({ allowMultipleAllocations }: Device): boolean {
  return allowMultipleAllocations === true;
}
