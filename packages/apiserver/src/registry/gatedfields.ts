/**
 * Fields that are there by feature gates alone: where the gate is off they are dropped, unless the old object uses
 * them already (DropDisabledFields of k8s.io/kubernetes/pkg/registry).
 */
import type { Gate, IsEnabled } from '../gates.ts';

export interface Fields<T> {
  isUsed(of: T): boolean;
  drop(from: T): void;
}

/** A gate with what it keeps; without a gate: fields that nothing here knows what to do with. */
export type GatedFields<T> = readonly [gate: Gate | undefined, ...fields: Fields<T>[]];

/** @param holders the parts of an object that have the fields */
export function fieldsOf<T, P extends object>(
  holders: (of: T) => readonly P[],
  ...keys: (keyof P & string)[]
): Fields<T> {
  return {
    isUsed: (of) => holders(of).some((holder) => keys.some((key) => isSet(holder[key]))),
    drop(from) {
      for (const holder of holders(from)) for (const key of keys) delete holder[key];
    },
  };
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

/** @param old undefined: the object is new */
export function dropDisabledFields<T>(
  gated: readonly GatedFields<T>[],
  isEnabled: IsEnabled,
  obj: T,
  old: T | undefined,
): void {
  for (const [gate, ...fields] of gated) {
    const stays = (gate !== undefined && isEnabled(gate)) || (old !== undefined && fields.some((f) => f.isUsed(old)));
    if (!stays) for (const each of fields) each.drop(obj);
  }
}
