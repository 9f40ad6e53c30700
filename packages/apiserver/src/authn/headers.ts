/**
 * Request headers with every value kept apart. Node joins repeated headers with `, `, which would make one group of
 * two `Impersonate-Group` headers; authentication therefore reads the raw list.
 */
export class HeaderValues {
  readonly #values = new Map<string, string[]>();

  /** @param raw name, value, name, value… as in node's `rawHeaders`; HTTP/2 pseudo headers are left out */
  constructor(raw: readonly string[]) {
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = raw[i]!.toLowerCase();
      if (name.startsWith(':')) continue;
      const value = decoded(raw[i + 1]!);
      const known = this.#values.get(name);
      if (known) known.push(value);
      else this.#values.set(name, [value]);
    }
  }

  static of(headers: Readonly<Record<string, string | readonly string[]>>): HeaderValues {
    const pairs = Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' ? [name, value] : value.flatMap((v) => [name, v]),
    );
    return new HeaderValues(pairs);
  }

  /** The first value, or the empty string. */
  first(name: string): string {
    return this.#values.get(name.toLowerCase())?.[0] ?? '';
  }

  all(name: string): readonly string[] {
    return this.#values.get(name.toLowerCase()) ?? [];
  }

  /** Headers whose lower-case name starts with this, as [rest of the name, values]. */
  withPrefix(prefix: string): [string, readonly string[]][] {
    const start = prefix.toLowerCase();
    return [...this.#values].flatMap(([name, values]): [string, readonly string[]][] =>
      name.startsWith(start) ? [[name.slice(start.length), values]] : [],
    );
  }
}

const BEYOND_ASCII = /[\x80-\xff]/;

/** Node makes a character of each byte; users and groups are named in UTF-8. */
function decoded(value: string): string {
  return BEYOND_ASCII.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value;
}

/** The key of an `…-Extra-` header: lower case, percent-decoded where that is possible. */
export function extraKey(rest: string): string {
  try {
    return decodeURIComponent(rest.toLowerCase());
  } catch {
    return rest.toLowerCase();
  }
}
