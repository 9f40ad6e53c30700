/** Configuration files of components: objects with a kind, read strictly. */
import { parseApiVersion } from '@keelson/api/object';
import { parseDuration } from './go/duration.ts';

/** The file is not what it should be; the message names the field. */
export class ConfigFileError extends Error {
  override readonly name = 'ConfigFileError';
}

/** An object of a configuration file. Fields that are absent or null have their zero value, as in Go. */
export class ConfigObject {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #read = new Set<string>();

  /** @param path where it stands in its file; empty for the whole. @throws ConfigFileError if it is no object */
  constructor(value: unknown, path = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new ConfigFileError(`${path || 'the configuration'} must be an object`);
    this.#fields = value as Record<string, unknown>;
    this.#path = path;
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
    return new ConfigObject(this.raw(name) ?? {}, this.#at(name));
  }
  objects(name: string): ConfigObject[] {
    return this.#list(name).map((item, i) => new ConfigObject(item, `${this.#at(name)}[${i}]`));
  }
  /** As it is in the file. */
  raw(name: string): unknown {
    this.#read.add(name);
    return this.#fields[name];
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

  /** @throws ConfigFileError for a field that nobody asked for */
  expectNothingElse(): void {
    const unknown = this.names().find((name) => !this.#read.has(name));
    if (unknown !== undefined) throw new ConfigFileError(`unknown field "${this.#at(unknown)}"`);
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
