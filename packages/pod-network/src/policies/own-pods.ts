/** The pods of a node, and which policies say something of each. */
import { isDeepStrictEqual } from 'node:util';
import { Groups } from './groups.ts';
import type { Direction } from './isolation.ts';
import type { Address, Member } from './members.ts';

export type PerDirection<T> = Readonly<Partial<Record<Direction, T>>>;

/** What policies say of a pod. */
export interface Own {
  /** Those that are its alone. */
  readonly addresses: readonly Address[];
  /** The policies' names, in their order; none: it is not isolated in that direction. */
  readonly by: PerDirection<readonly string[]>;
}

/** What is set is only noted; `changes` compares it with the policies. Pods are named NAMESPACE/NAME. */
export class OwnPods {
  readonly #nodeName: string;
  readonly #selecting: (pod: Member) => Own['by'];
  readonly #members = new Map<string, Member>();
  /** In whichever namespace, by their addresses. */
  readonly #holders = new Groups();
  readonly #byNamespace = new Groups();
  readonly #own = new Map<string, Own>();
  /** Those that have to be compared with the policies. */
  readonly #unasked = new Set<string>();

  /** @param selecting the policies that select a pod */
  constructor(nodeName: string, selecting: (pod: Member) => Own['by']) {
    this.#nodeName = nodeName;
    this.#selecting = selecting;
  }

  /** @param pod undefined: has no addresses of its own any more. One of another node is none of these */
  set(name: string, pod: Member | undefined): void {
    const before = this.#members.get(name);
    if (before) this.#forget(name, before);
    if (pod?.nodeName === this.#nodeName) this.#note(name, pod);
  }

  /** The policies of a namespace are others. */
  policiesChanged(namespace: string): void {
    for (const pod of this.#byNamespace.of(namespace)) this.#unasked.add(pod);
  }

  /** Undefined for a pod of another node, and for one of whose addresses none is its alone. */
  get(name: string): Own | undefined {
    return this.#own.get(name);
  }

  all(): IterableIterator<Own> {
    return this.#own.values();
  }

  get count(): number {
    return this.#own.size;
  }

  /** Compares those of which something was set. @returns of each, as it is done, whether something else is said of it now */
  *changes(): Generator<{ readonly name: string; readonly isOther: boolean }> {
    for (const name of this.#unasked) {
      this.#unasked.delete(name);
      const own = this.#ownOf(name);
      const isOther = !isDeepStrictEqual(own, this.#own.get(name));
      if (own) this.#own.set(name, own);
      else this.#own.delete(name);
      yield { name, isOther };
    }
  }

  #forget(name: string, { namespace, addresses }: Member): void {
    this.#members.delete(name);
    this.#byNamespace.delete(namespace, name);
    this.#unasked.add(name);
    for (const { address } of addresses) {
      this.#holders.delete(address, name);
      for (const other of this.#holders.of(address)) this.#unasked.add(other);
    }
  }

  #note(name: string, pod: Member): void {
    this.#members.set(name, pod);
    this.#byNamespace.add(pod.namespace, name);
    for (const { address } of pod.addresses) {
      this.#holders.add(address, name);
      for (const each of this.#holders.of(address)) this.#unasked.add(each);
    }
  }

  #ownOf(name: string): Own | undefined {
    const pod = this.#members.get(name);
    const addresses = (pod?.addresses ?? []).filter(({ address }) => this.#youngestAt(address) === name);
    return pod && addresses.length > 0 ? { addresses, by: this.#selecting(pod) } : undefined;
  }

  /** Of two with one address, which has passed on from the one to the other, the younger is meant. */
  #youngestAt(address: string): string | undefined {
    const age = (name: string) => `${this.#members.get(name)!.created} ${name}`;
    return [...this.#holders.of(address)].reduce((a, b) => (age(a) > age(b) ? a : b));
  }
}
