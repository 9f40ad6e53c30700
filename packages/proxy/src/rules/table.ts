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
    this.#stale.clear();
    this.#elements.clear();
    this.#elements.set('', base.elements);
    for (const [owner, rules] of parts) {
      this.#parts.set(owner, rules);
      this.#elements.set(owner, rules.elements);
    }
    const all = [base, ...parts.values()];
    const chains = all.flatMap((rules) => [...rules.chains]);
    const sets = new Map(all.flatMap((rules) => [...rules.sets]));
    return lines([
      removal(this.#table).trimEnd(),
      `add table ${this.#table} { comment "${this.#comment}" ; }`,
      ...[...sets].map(([name, set]) => this.#addSet(name, set)),
      ...chains.map(([name, chain]) => this.#addChain(name, chain)),
      ...chains.flatMap(([name, chain]) => this.#addRules(name, chain)),
      ...this.#addElements(this.#elements.all()),
      ...remembered
        .filter(({ set }) => sets.has(set))
        .map(
          ({ set, address, expires }) =>
            `add element ${this.#table} ${set} { ${address} timeout ${timeoutOf(sets.get(set)!)} expires ${expires}s }`,
        ),
    ]);
  }

  /**
   * A transaction that makes these rules of their owners' rules before; empty where nothing differs.
   * @param changes by owner; undefined: has none any more
   * @param now milliseconds
   */
  change(changes: ReadonlyMap<string, Rules | undefined>, now: number): string {
    const text = { declare: [], remove: [], fill: [] } as Record<'declare' | 'remove' | 'fill', string[]>;
    const touched = new Map<string, Element | undefined>();
    const deleted = new Set<string>();
    for (const [owner, after = NO_RULES] of changes) {
      const before = this.#parts.get(owner) ?? NO_RULES;
      this.#changeChains(before, after, now, text);
      this.#changeSets(before, after, text, deleted);
      for (const [id, element] of this.#elements.set(owner, after.elements)) {
        if (!touched.has(id)) touched.set(id, element);
      }
      if (after === NO_RULES) this.#parts.delete(owner);
      else this.#parts.set(owner, after);
    }
    for (const [id, before] of touched) {
      const after = this.#elements.get(id);
      if (before?.verdict === after?.verdict && before !== undefined && after !== undefined) continue;
      // With a set its elements go.
      if (before && !deleted.has(before.of))
        text.fill.push(`delete element ${this.#table} ${before.of} { ${before.key} }`);
      if (after) text.fill.push(this.#addElement(after));
    }
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

  #addSet(name: string, { kind, body }: Declaration): string {
    return `add ${kind} ${this.#table} ${name} { ${body} }`;
  }

  #addChain(name: string, { hook }: Chain): string {
    return `add chain ${this.#table} ${name}${hook === '' ? '' : ` { ${hook} ; }`}`;
  }

  #addRules(name: string, { rules }: Chain): string[] {
    return rules.map((rule) => `add rule ${this.#table} ${name} ${rule}`);
  }

  #addElement(element: Element): string {
    return `add element ${this.#table} ${element.of} { ${textOf(element)} }`;
  }

  /** Many in one command: nft is the quicker. */
  *#addElements(elements: Iterable<Element>): Generator<string> {
    for (const [name, all] of Map.groupBy(elements, ({ of }) => of)) {
      for (let i = 0; i < all.length; i += BATCH) {
        yield `add element ${this.#table} ${name} { ${all
          .slice(i, i + BATCH)
          .map(textOf)
          .join(', ')} }`;
      }
    }
  }
}

/** A transaction that takes a table away, if it is there. @param table with its family */
export function removal(table: string): string {
  return lines([`add table ${table}`, `delete table ${table}`]);
}

/** Elements by whose they are. Two may claim the same one, such as services with the same endpoint: it stays until neither does. */
class Claims {
  readonly #byId = new Map<string, Map<string, Element>>();
  readonly #byOwner = new Map<string, readonly Element[]>();

  /** In the table: of several claims, that of the owner who comes first. */
  get(id: string): Element | undefined {
    const claims = this.#byId.get(id);
    if (claims === undefined) return undefined;
    return claims.get([...claims.keys()].sort()[0]!);
  }

  /** @returns all that may differ now, with what was there before */
  set(owner: string, elements: readonly Element[]): Map<string, Element | undefined> {
    const before = new Map<string, Element | undefined>();
    for (const element of this.#byOwner.get(owner) ?? []) {
      const id = idOf(element);
      before.set(id, this.get(id));
    }
    for (const element of elements) if (!before.has(idOf(element))) before.set(idOf(element), this.get(idOf(element)));
    for (const element of this.#byOwner.get(owner) ?? []) this.#drop(owner, idOf(element));
    for (const element of elements) {
      const claims = this.#byId.get(idOf(element));
      if (claims) claims.set(owner, element);
      else this.#byId.set(idOf(element), new Map([[owner, element]]));
    }
    if (elements.length > 0) this.#byOwner.set(owner, elements);
    else this.#byOwner.delete(owner);
    return before;
  }

  *all(): Iterable<Element> {
    for (const id of this.#byId.keys()) yield this.get(id)!;
  }

  clear(): void {
    this.#byId.clear();
    this.#byOwner.clear();
  }

  #drop(owner: string, id: string): void {
    const claims = this.#byId.get(id);
    claims?.delete(owner);
    if (claims?.size === 0) this.#byId.delete(id);
  }
}

/** In nft's language. */
function textOf({ key, verdict, comment }: Element): string {
  const said = comment === undefined ? '' : ` comment "${comment}"`;
  return `${key}${said}${verdict === '' ? '' : ` : ${verdict}`}`;
}

const idOf = ({ of, key }: Element) => `${of} ${key}`;
const lines = (list: readonly string[]) => list.map((line) => `${line}\n`).join('');
const timeoutOf = ({ body }: Declaration) => /timeout (\d+s)/.exec(body)![1]!;
