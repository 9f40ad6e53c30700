/**
 * What an endpoint reads and writes, seen through the stored object: the object itself in the version of the request,
 * or a subresource that is made of it (Scale). Handlers of writes know nothing else of the difference.
 */
import type { FieldManager } from '@keelson/api/apply/fieldmanager';
import type { KubeObject } from '@keelson/api/object';
import type { Pieces } from '@keelson/api/pieces';
import { fromStorage, toStorage } from '../registry/conversion.ts';
import type { ServedResource, Subresource } from '../registry/resource.ts';
import type { TableConvertor } from '../registry/strategy.ts';
import type { Expected } from './decode.ts';
import { fieldManagerOf, manageFields } from './fieldmanager.ts';
import { scaleLens } from './scale.ts';

export interface Lens {
  /** What bodies hold. */
  readonly expected: Expected;
  readonly fields: FieldManager;
  /**
   * A write to an object that is there: `write` has no effects of its own, and may be called more than once.
   * @param size of the object, in bytes
   */
  manage<T>(size: number, write: (fields: FieldManager) => Pieces<T>): Promise<T>;
  /** True when the stored bytes are what the endpoint answers with. */
  readonly isIdentity: boolean;
  /** Where admission sees what bodies hold, not the object that is stored: how it is judged at the end, without managedFields. */
  readonly readForAdmission: ((stored: KubeObject) => KubeObject) | undefined;
  /** From the stored object; does not change it. */
  read(stored: KubeObject): KubeObject;
  /** The same for a GET, to which more must be there than to the answer to a write. @throws StatusError */
  readForGet(stored: KubeObject): KubeObject;
  /** The same with managedFields, which some forms hide from readers. */
  readForWrite(stored: KubeObject): KubeObject;
  /** Back to an object to store. `stored` may be changed; undefined: there is none yet. */
  write(stored: KubeObject | undefined, object: KubeObject): KubeObject;
  /** @param now the time of the request */
  defaults(object: KubeObject, now: Date): void;
  /** How it looks as a table; absent for kinds without columns of their own. */
  readonly table: TableConvertor | undefined;
}

const lenses = new WeakMap<ServedResource, Map<string, Lens>>();

/** Made once for each resource and subresource. */
export function lensOf(served: ServedResource, subresource: Subresource | undefined): Lens {
  const known = lenses.get(served) ?? new Map<string, Lens>();
  lenses.set(served, known);
  const name = subresource?.name ?? '';
  let lens = known.get(name);
  if (!lens) {
    lens = subresource?.name === 'scale' ? scaleLens(served, subresource) : objectLens(served, name);
    known.set(name, lens);
  }
  return lens;
}

function objectLens(served: ServedResource, subresource: string): Lens {
  const { definition, version, form } = served;
  const { storage, registration } = definition;
  const isIdentity = version === storage.version && definition.group === storage.group;
  const read = (stored: KubeObject): KubeObject => fromStorage(served, stored);
  return {
    expected: { group: definition.group, version, kind: definition.kind, form, keepsEmpty: true },
    fields: fieldManagerOf(served, subresource),
    manage: (size, write) => manageFields(served, subresource, size, write),
    isIdentity,
    readForAdmission: undefined,
    read,
    readForGet: read,
    // Errors of patches show it: members stand in the order of the version's type.
    readForWrite: (stored) => (isIdentity ? stored : form.normalize(read(stored), true)),
    write: (_stored, object) => toStorage(served, object),
    defaults: (object, now) => registration.strategy.defaults?.(object, version, now),
    table: registration.table,
  };
}
