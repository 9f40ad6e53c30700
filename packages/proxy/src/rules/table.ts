/** A table in the kernel: what stands in it, and the text of the transactions that change it. */
import { type Chain, type Declaration, type Element, NO_RULES, type Rules } from './rules.ts';

/** A client that an affinity set remembers, by the set. Seconds. */
export interface Remembered {
  readonly set: string;
  readonly address: string;
  readonly expires: number;
}

/** Elements in one command. */
const BATCH = 100;
/** Parts whose text is made in one turn. */
const PIECE = 100;
/** So long after its last reference is gone kernels before 6.2 still think that a chain is in use. */
const REFERENCE_MS = 1_000;

export class Table {
  readonly #table: string;
  readonly #comment: string;
  readonly #parts = new Map<string, Rules>();
  readonly #elements = new Claims();
  /** Chains that are empty and of no use, by when they became so. */
  readonly #stale = new Map<string, number>();

  /** @param table with its family: `ip kube-proxy` */
  constructor(table: string, comment: string) {
    this.#table = table;
    this.#comment = comment;
  }

  /** A transaction after which nothing but these rules stands in the table. @param parts by whose they are */
  replacement(base: Rules, parts: ReadonlyMap<string, Rules>, remembered: readonly Remembered[] = []): string {
    this.#parts.clear();
    this.#elements.clear();
    for (const [owner, rules] of [['', base] as const, ...parts]) {
      this.#parts.set(owner, rules);
      this.#elements.set(owner, rules.elements);
    }
    const sets = new Map([base, ...parts.values()].flatMap((rules) => [...rules.sets]));
    const kept = remembered
      .filter(({ set }) => sets.has(set))
      .map(
        ({ set, address, expires }) =>
          `add element ${this.#table} ${set} { ${address} timeout ${timeoutOf(sets.get(set)!)} expires ${expires}s }`,
      );
    return [...this.rewriting(), lines(kept)].join('');
  }

  /**
   * A transaction after which the kernel has what this table has, whatever it had before. In pieces, each of which takes little
   * time: the table must not change between them.
   */
  *rewriting(): Generator<string> {
    this.#stale.clear();
    yield lines([removal(this.#table).trimEnd(), `add table ${this.#table} { comment "${this.#comment}" ; }`]);
    yield* this.#eachPart(({ sets }) => [...sets].map(([name, set]) => this.#addSet(name, set)));
    yield* this.#eachPart(({ chains }) => [...chains].map(([name, chain]) => this.#addChain(name, chain)));
    yield* this.#eachPart(({ chains }) => [...chains].flatMap(([name, chain]) => this.#addRules(name, chain)));
    for (const [set, elements] of this.#elements.bySet()) {
      for (const some of batches(elements)) yield `${this.#addElements(set, some)}\n`;
    }
  }

  /**
   * A transaction that makes these rules of their owners' rules before; empty where nothing differs.
   * @param changes by owner; undefined: has none any more
   * @param now milliseconds
   */
  change(changes: ReadonlyMap<string, Rules | undefined>, now: number): string {
    const text = { declare: [], remove: [], fill: [] } as Record<'declare' | 'remove' | 'fill', string[]>;
    const touched = new Map<string, Difference>();
    const deleted = new Set<string>();
    for (const [owner, after = NO_RULES] of changes) {
      const before = this.#parts.get(owner) ?? NO_RULES;
      this.#changeChains(before, after, now, text);
      this.#changeSets(before, after, text, deleted);
      for (const difference of this.#elements.set(owner, after.elements)) {
        const id = `${difference.of} ${difference.key}`;
        if (!touched.has(id)) touched.set(id, difference);
      }
      if (after === NO_RULES) this.#parts.delete(owner);
      else this.#parts.set(owner, after);
    }
    text.fill.push(...this.#changeElements(touched.values(), deleted));
    return lines([...text.declare, ...text.remove, ...text.fill]);
  }

  /** A transaction that deletes chains of which the kernel knows by now that nothing leads to them. */
  sweep(now: number): string {
    const due = [...this.#stale].filter(([, since]) => now - since > REFERENCE_MS).map(([name]) => name);
    for (const name of due) this.#stale.delete(name);
    return lines(due.map((name) => `delete chain ${this.#table} ${name}`));
  }

  /** Whether there will be something to sweep. */
  get isLittered(): boolean {
    return this.#stale.size > 0;
  }

  /** How many there are, of all sets and maps. */
  get elements(): number {
    return this.#elements.size;
  }

  #changeChains(before: Rules, after: Rules, now: number, text: { declare: string[]; fill: string[] }): void {
    for (const name of before.chains.keys()) {
      if (after.chains.has(name)) continue;
      text.declare.push(`flush chain ${this.#table} ${name}`);
      this.#stale.set(name, now);
    }
    for (const [name, chain] of after.chains) {
      const known = before.chains.get(name);
      if (known && lines(known.rules) === lines(chain.rules)) continue;
      text.declare.push(this.#addChain(name, chain), ...(known ? [`flush chain ${this.#table} ${name}`] : []));
      text.fill.push(...this.#addRules(name, chain));
      this.#stale.delete(name);
    }
  }

  #changeSets(before: Rules, after: Rules, text: { remove: string[] }, deleted: Set<string>): void {
    for (const [name, set] of before.sets) {
      if (after.sets.get(name)?.body === set.body) continue;
      text.remove.push(`delete set ${this.#table} ${name}`);
      deleted.add(name);
    }
    for (const [name, set] of after.sets) {
      if (before.sets.get(name)?.body !== set.body) text.remove.push(this.#addSet(name, set));
    }
  }

  #changeElements(touched: Iterable<Difference>, deleted: ReadonlySet<string>): string[] {
    const gone = new Map<string, string[]>();
    const come = new Map<string, Element[]>();
    for (const { of, key, before } of touched) {
      const after = this.#elements.get(of, key);
      if (before?.verdict === after?.verdict && before !== undefined && after !== undefined) continue;
      // With a set its elements go.
      if (before && !deleted.has(of)) append(gone, of, key);
      if (after) append(come, of, after);
    }
    return [
      ...[...gone].flatMap(([set, keys]) =>
        batches(keys).map((some) => `delete element ${this.#table} ${set} { ${some.join(', ')} }`),
      ),
      ...[...come].flatMap(([set, elements]) => batches(elements).map((some) => this.#addElements(set, some))),
    ];
  }

  *#eachPart(linesOf: (rules: Rules) => readonly string[]): Generator<string> {
    let some: string[] = [];
    let seen = 0;
    for (const rules of this.#parts.values()) {
      some.push(...linesOf(rules));
      if (++seen % PIECE > 0) continue;
      yield lines(some);
      some = [];
    }
    yield lines(some);
  }

  #addSet(name: string, { kind, body }: Declaration): string {
    return `add ${kind} ${this.#table} ${name} { ${body} }`;
  }

  #addChain(name: string, { hook }: Chain): string {
    return `add chain ${this.#table} ${name}${hook === '' ? '' : ` { ${hook} ; }`}`;
  }

  #addRules(name: string, { rules }: Chain): string[] {
    return rules.map((rule) => `add rule ${this.#table} ${name} ${rule}`);
  }

  /** Many in one command: nft is the quicker. */
  #addElements(set: string, elements: readonly Element[]): string {
    return `add element ${this.#table} ${set} { ${elements.map(textOf).join(', ')} }`;
  }
}

/** A transaction that takes a table away, if it is there. @param table with its family */
export function removal(table: string): string {
  return lines([`add table ${table}`, `delete table ${table}`]);
}

/** An element that may differ now. */
interface Difference extends Pick<Element, 'of' | 'key'> {
  readonly before: Element | undefined;
}

/** Elements by whose they are. Two may claim the same one, such as services with the same endpoint: it stays until neither does. */
class Claims {
  /** By set, key and owner. */
  readonly #sets = new Map<string, Map<string, Map<string, Element>>>();
  readonly #byOwner = new Map<string, readonly Element[]>();

  /** In the table: of several claims, that of the owner who comes first. */
  get(set: string, key: string): Element | undefined {
    const claims = this.#sets.get(set)?.get(key);
    return claims && first(claims);
  }

  /** @returns all that may differ now */
  set(owner: string, elements: readonly Element[]): Difference[] {
    const old = this.#byOwner.get(owner) ?? [];
    if (isSame(old, elements)) return [];
    const differences = [...old, ...elements].map(({ of, key }) => ({ of, key, before: this.get(of, key) }));
    for (const { of, key } of old) this.#drop(owner, of, key);
    for (const element of elements) {
      const keys = this.#sets.get(element.of) ?? new Map<string, Map<string, Element>>();
      this.#sets.set(element.of, keys);
      const claims = keys.get(element.key);
      if (claims) claims.set(owner, element);
      else keys.set(element.key, new Map([[owner, element]]));
    }
    if (elements.length > 0) this.#byOwner.set(owner, elements);
    else this.#byOwner.delete(owner);
    return differences;
  }

  get size(): number {
    return Array.from(this.#sets.values(), (keys) => keys.size).reduce((a, b) => a + b, 0);
  }

  *bySet(): Iterable<readonly [string, Element[]]> {
    for (const [set, keys] of this.#sets) yield [set, Array.from(keys.values(), first)];
  }

  clear(): void {
    this.#sets.clear();
    this.#byOwner.clear();
  }

  #drop(owner: string, set: string, key: string): void {
    const keys = this.#sets.get(set);
    const claims = keys?.get(key);
    claims?.delete(owner);
    if (claims?.size === 0) keys!.delete(key);
    if (keys?.size === 0) this.#sets.delete(set);
  }
}

const isSame = (before: readonly Element[], after: readonly Element[]): boolean =>
  before.length === after.length &&
  before.every(({ of, key, verdict, comment }, i) => {
    const other = after[i]!;
    return of === other.of && key === other.key && verdict === other.verdict && comment === other.comment;
  });

const first = (claims: ReadonlyMap<string, Element>): Element => {
  if (claims.size === 1) return claims.values().next().value!;
  return claims.get([...claims.keys()].sort()[0]!)!;
};

function append<T>(lists: Map<string, T[]>, name: string, value: T): void {
  const list = lists.get(name);
  if (list) list.push(value);
  else lists.set(name, [value]);
}

const batches = <T>(list: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(list.length / BATCH) }, (_, i) => list.slice(i * BATCH, (i + 1) * BATCH));

/** In nft's language. */
function textOf({ key, verdict, comment }: Element): string {
  const said = comment === undefined ? '' : ` comment "${comment}"`;
  return `${key}${said}${verdict === '' ? '' : ` : ${verdict}`}`;
}

const lines = (list: readonly string[]) => list.map((line) => `${line}\n`).join('');
const timeoutOf = ({ body }: Declaration) => /timeout (\d+s)/.exec(body)![1]!;
