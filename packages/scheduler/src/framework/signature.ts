/**
 * What tells apart pods that nodes could tell apart: of two pods with the same signature each plugin thinks the same of the
 * same nodes (staging/src/k8s.io/kube-scheduler/framework/signers.go).
 */

/** The plugin looks at more than the pod itself: such pods are never alike. */
export const UNSIGNABLE = 'unsignable';
export type Unsignable = typeof UNSIGNABLE;

/** Parts of a pod by their names; of the same name is always the same. */
export type Fragments = Readonly<Record<string, unknown>>;

/** @returns text that is the same for what is equal, whatever order fields are in; with `asSets`, items of lists, too */
export function textOf(value: unknown, asSets = false): string {
  if (value === undefined) return 'null';
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) {
    const items = value.map((item) => textOf(item, asSets));
    return `[${(asSets ? items.sort() : items).join()}]`;
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const fields = entries.map(([name, field]) => `${JSON.stringify(name)}:${textOf(field, asSets)}`);
  return `{${fields.sort().join()}}`;
}
