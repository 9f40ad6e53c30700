/** Names in groups; a group without any is none. */
export class Groups {
  readonly #groups = new Map<string, Set<string>>();

  add(group: string, name: string): void {
    const names = this.#groups.get(group);
    if (names) names.add(name);
    else this.#groups.set(group, new Set([name]));
  }

  delete(group: string, name: string): void {
    const names = this.#groups.get(group);
    names?.delete(name);
    if (names?.size === 0) this.#groups.delete(group);
  }

  of(group: string): ReadonlySet<string> {
    return this.#groups.get(group) ?? NONE;
  }
}

const NONE: ReadonlySet<string> = new Set();
