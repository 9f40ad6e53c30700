import type { DeviceAttribute, DeviceConstraint } from '@keelson/api/generated/types/resource/v1';
import type { Candidate } from './pools.ts';
import type { Wanted } from './requests.ts';

/** That all devices of some requests have the same value of an attribute, or each one of its own. */
export class Constraint {
  readonly #requests: ReadonlySet<string>;
  readonly #attribute: string;
  readonly #alike: boolean;
  readonly #values: string[] = [];

  constructor({ requests = [], matchAttribute, distinctAttribute }: DeviceConstraint) {
    this.#requests = new Set(requests);
    this.#attribute = (matchAttribute ?? distinctAttribute)!;
    this.#alike = matchAttribute !== undefined;
  }

  /** @returns whether it still holds; if not, the device does not count */
  add(wanted: Wanted, candidate: Candidate): boolean {
    if (!this.#concerns(wanted)) return true;
    const value = attributeOf(candidate, this.#attribute);
    if (value === undefined) return false;
    const holds = this.#alike ? this.#values.length === 0 || this.#values[0] === value : !this.#values.includes(value);
    if (holds) this.#values.push(value);
    return holds;
  }

  /** Takes back what was added last. */
  remove(wanted: Wanted): void {
    if (this.#concerns(wanted)) this.#values.pop();
  }

  #concerns({ name, parent }: Wanted): boolean {
    return (
      this.#requests.size === 0 || this.#requests.has(name) || (parent !== undefined && this.#requests.has(parent))
    );
  }
}

/** Attributes without a domain are in that of the driver. */
function attributeOf({ device: { attributes = {} }, slice }: Candidate, name: string): string | undefined {
  const [domain, id] = name.split('/', 2);
  const attribute = attributes[name] ?? (domain === slice.spec.driver ? attributes[id!] : undefined);
  return attribute && valueText(attribute);
}

function valueText({ string, int, bool, version }: DeviceAttribute): string | undefined {
  if (string !== undefined) return `string ${string}`;
  if (int !== undefined) return `int ${int}`;
  if (bool !== undefined) return `bool ${bool}`;
  return version === undefined ? undefined : `version ${version}`;
}
