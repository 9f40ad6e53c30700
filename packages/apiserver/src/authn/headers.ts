/**
 * Request headers with every value kept apart. Node joins repeated headers with `, `, which would make one group of
 * two `Impersonate-Group` headers; authentication therefore reads the raw list.
 */
export class HeaderValues {
  readonly #raw: readonly string[];

  /** @param raw name, value, name, value… as in node's `rawHeaders`; HTTP/2 pseudo headers are left out */
  constructor(raw: readonly string[]) {
    this.#raw = raw;
  }

  static of(headers: Readonly<Record<string, string | readonly string[]>>): HeaderValues {
    const pairs = Object.entries(headers).flatMap(([name, value]) =>
      typeof value === 'string' ? [name, value] : value.flatMap((v) => [name, v]),
    );
    return new HeaderValues(pairs);
  }

  /** The first value, or the empty string. */
  first(name: string): string {
    const wanted = name.toLowerCase();
    for (let i = 0; i + 1 < this.#raw.length; i += 2) {
      if (isCalled(this.#raw[i]!, wanted)) return decoded(this.#raw[i + 1]!);
    }
    return '';
  }

  all(name: string): readonly string[] {
    const wanted = name.toLowerCase();
    const values: string[] = [];
    for (let i = 0; i + 1 < this.#raw.length; i += 2) {
      if (isCalled(this.#raw[i]!, wanted)) values.push(decoded(this.#raw[i + 1]!));
    }
    return values;
  }

  /** Headers whose lower-case name starts with this, as [rest of the name, values]. */
  withPrefix(prefix: string): [string, readonly string[]][] {
    const start = prefix.toLowerCase();
    const found = new Map<string, string[]>();
    for (let i = 0; i + 1 < this.#raw.length; i += 2) {
      const raw = this.#raw[i]!;
      if (raw.length < start.length || raw.startsWith(':')) continue;
      const name = raw.toLowerCase();
      if (!name.startsWith(start)) continue;
      const rest = name.slice(start.length);
      const value = decoded(this.#raw[i + 1]!);
      const known = found.get(rest);
      if (known) known.push(value);
      else found.set(rest, [value]);
    }
    return [...found];
  }
}

function isCalled(raw: string, name: string): boolean {
  return raw.length === name.length && raw.toLowerCase() === name && !raw.startsWith(':');
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
