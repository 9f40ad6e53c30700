/** What the kernel makes of the transactions of one table; like it, it refuses what does not fit. */
export class KernelTable {
  readonly chains = new Map<string, string[]>();
  /** Sets and maps: their elements' keys with what stands behind them. */
  readonly sets = new Map<string, Map<string, string>>();
  /** How many elements have come and gone. */
  readonly elements = { added: 0, deleted: 0 };
  #isThere = false;

  /** @throws Error where nft or the kernel would */
  apply(transaction: string): void {
    for (const line of transaction.split('\n')) if (line !== '') this.#run(line);
    for (const [name, rules] of this.chains) {
      for (const [, kind, target] of rules.join('\n').matchAll(/(@|jump )([\w/.-]+)/g)) {
        if (!(kind === '@' ? this.sets : this.chains).has(target!)) throw new Error(`${name} asks ${target}`);
      }
    }
    for (const elements of this.sets.values()) {
      for (const verdict of elements.values()) {
        if (verdict.startsWith('jump ') && !this.chains.has(verdict.slice(5))) throw new Error(`no ${verdict}`);
      }
    }
  }

  /** What packets see of it, in an order of its own. */
  get state(): Record<string, readonly string[]> {
    const sets = [...this.sets].map(
      ([name, elements]) => [name, Array.from(elements, (each) => each.join(' : ')).sort()] as const,
    );
    const chains = [...this.chains].filter(([, rules]) => rules.length > 0);
    return Object.fromEntries([...sets, ...chains].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  #run(line: string): void {
    const [, verb, what, , name = '', rest = ''] =
      /^(\w+) (\w+) (inet [\w-]+) ?([\w/.-]*) ?(.*)$/.exec(line) ?? fail(line);
    if (what === 'table') {
      if (verb === 'delete') for (const all of [this.chains, this.sets]) all.clear();
      this.#isThere = verb === 'add';
    } else if (!this.#isThere) fail(line);
    else if (what === 'chain' && verb === 'delete') this.chains.delete(name) || fail(line);
    else if (what === 'chain')
      this.chains.set(name, verb === 'add' ? (this.chains.get(name) ?? []) : this.chains.has(name) ? [] : fail(line));
    else if (what === 'rule') (this.chains.get(name) ?? fail(line)).push(rest);
    else if (what === 'element') this.#element(verb!, this.sets.get(name) ?? fail(line), rest);
    else if (verb === 'add') this.sets.set(name, this.sets.get(name) ?? new Map());
    else this.sets.delete(name) || fail(line);
  }

  #element(verb: string, set: Map<string, string>, rest: string): void {
    for (const element of rest.slice(2, -2).split(', ')) {
      const [key, verdict = ''] = element.split(' : ') as [string, string?];
      if (verb === 'add') {
        if (set.has(key) && set.get(key) !== verdict) fail(element);
        set.set(key, verdict);
        this.elements.added++;
      } else {
        if (!set.delete(key)) fail(element);
        this.elements.deleted++;
      }
    }
  }
}

function fail(what: string): never {
  throw new Error(`refused: ${what}`);
}
