/** Configuration files of components: objects with a kind, read strictly. */
import { parseApiVersion } from '@keelson/api/object';
import { parseDuration } from './go/duration.ts';

/** The file is not what it should be; the message names the field. */
export class ConfigFileError extends Error {
  override readonly name = 'ConfigFileError';
}

/** An object of a configuration file, or of what another program answers. Fields that are absent or null have their zero value, as in Go. */
export class ConfigObject {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #unknown: string[] | undefined;
  readonly #read = new Set<string>();

  /**
   * @param path where it stands in its file; empty for the whole
   * @param unknown takes the fields that nobody asks for, of it and of what is in it, see {@link readStrictly}
   * @throws ConfigFileError if it is no object
   */
  constructor(value: unknown, path = '', unknown?: string[]) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new ConfigFileError(`${path || 'the configuration'} must be an object`);
    this.#fields = value as Record<string, unknown>;
    this.#path = path;
    this.#unknown = unknown;
  }

  string(name: string, absent = ''): string {
    return this.#scalar(name, 'string', absent);
  }
  boolean(name: string, absent = false): boolean {
    return this.#scalar(name, 'boolean', absent);
  }
  number(name: string, absent = 0): number {
    return this.#scalar(name, 'number', absent);
  }
  integer(name: string, absent = 0): number {
    const value = this.number(name, absent);
    if (!Number.isInteger(value)) throw this.#problem(name, 'must be an integer');
    return value;
  }
  /** As Go writes it, `1m30s`. @param absent milliseconds, as the result is */
  duration(name: string, absent = 0): number {
    const text = this.raw(name);
    if (text === undefined || text === null) return absent;
    if (typeof text !== 'string') throw this.#problem(name, 'must be a duration, as 1m30s');
    try {
      return parseDuration(text);
    } catch (error) {
      throw this.#problem(name, (error as Error).message);
    }
  }
  strings(name: string): string[] {
    return this.#list(name).map((item) => {
      if (typeof item !== 'string') throw this.#problem(name, 'must be a list of strings');
      return item;
    });
  }
  object(name: string): ConfigObject {
    return new ConfigObject(this.raw(name) ?? {}, this.#at(name), this.#unknown);
  }
  objects(name: string): ConfigObject[] {
    return this.#list(name).map((item, i) => new ConfigObject(item, `${this.#at(name)}[${i}]`, this.#unknown));
  }
  /** As it is in the file. */
  raw(name: string): unknown {
    this.#read.add(name);
    return this.#fields[name];
  }
  /** All of it, as it is in the file. */
  all(): Readonly<Record<string, unknown>> {
    return this.#fields;
  }
  names(): string[] {
    return Object.keys(this.#fields);
  }

  /** @param versions that the kind exists in. @throws ConfigFileError for anything else */
  expectKind(group: string, versions: readonly string[], kind: string): this {
    const given = parseApiVersion(this.string('apiVersion'));
    const found = this.string('kind');
    if (found !== kind || given.group !== group || !versions.includes(given.version))
      throw new ConfigFileError(
        `expected kind ${kind} of ${group}/${versions.join(' or ')}, got ${found} of ${this.string('apiVersion')}`,
      );
    return this;
  }

  /** @throws ConfigFileError for a field that nobody asked for, where these are not gathered */
  expectNothingElse(): void {
    const unknown = this.names().filter((name) => !this.#read.has(name));
    if (this.#unknown) this.#unknown.push(...unknown.map((name) => this.#at(name)));
    else if (unknown.length > 0) throw new ConfigFileError(`unknown field "${this.#at(unknown[0]!)}"`);
  }

  #scalar<T extends string | number | boolean>(name: string, type: 'string' | 'number' | 'boolean', zero: T): T {
    const value = this.raw(name) ?? zero;
    if (typeof value !== type) throw this.#problem(name, `must be a ${type}`);
    return value as T;
  }
  #list(name: string): unknown[] {
    const value = this.raw(name) ?? [];
    if (!Array.isArray(value)) throw this.#problem(name, 'must be a list');
    return value;
  }
  #at(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
  #problem(name: string, what: string): ConfigFileError {
    return new ConfigFileError(`${this.#at(name)} ${what}`);
  }
}

/**
 * Reads a file whose unknown fields are all named, in the order of their paths, before anything else that is wrong with it.
 * @throws ConfigFileError, or what `read` throws
 */
export function readStrictly<T>(value: unknown, read: (root: ConfigObject) => T): T {
  const unknown: string[] = [];
  const check = (): void => {
    if (unknown.length === 0) return;
    const inOrder = unknown.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
    throw new ConfigFileError(`strict decoding error: ${inOrder.map((path) => `unknown field "${path}"`).join(', ')}`);
  };
  let result: T;
  try {
    result = read(new ConfigObject(value, '', unknown));
  } catch (error) {
    check();
    throw error;
  }
  check();
  return result;
}

/** Items of a list by their number. */
function sortKey(path: string): string {
  return path.replace(/\d+/g, (digits) => digits.padStart(9, '0'));
}
