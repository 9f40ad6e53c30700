/** Configuration files of components: objects with a kind, read strictly. */
import { parseApiVersion } from '@keelson/api/object';

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

  string(name: string): string {
    return this.#scalar(name, 'string', '');
  }
  integer(name: string): number {
    const value = this.#scalar(name, 'number', 0);
    if (!Number.isInteger(value)) throw this.#problem(name, 'must be an integer');
    return value;
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

  #scalar<T extends string | number>(name: string, type: 'string' | 'number', zero: T): T {
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
