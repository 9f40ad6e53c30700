/** What every object of the API has in common. Kinds have their own types in generated/types. */
import type { ObjectMeta } from './generated/types/meta/v1.ts';

export type { ListMeta, ManagedFieldsEntry, ObjectMeta, OwnerReference } from './generated/types/meta/v1.ts';

/** What the generated interface of every kind fits. */
export interface TypedObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** An object in its canonical JSON form: what Go would write after it has read it. */
export interface KubeObject extends TypedObject {
  [field: string]: unknown;
}

export interface GroupVersionKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

export interface GroupVersionResource {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
}

/** `v1`, `apps/v1` */
export function apiVersionOf(gv: { readonly group: string; readonly version: string }): string {
  return gv.group === '' ? gv.version : `${gv.group}/${gv.version}`;
}

/** The inverse; `/` says as little as nothing, `a/b/c` is an error upstream too. @throws Error `unexpected GroupVersion string: a/b/c` */
export function parseApiVersion(apiVersion: string): { group: string; version: string } {
  if (apiVersion === '/') return { group: '', version: '' };
  const parts = apiVersion.split('/');
  if (parts.length === 1) return { group: '', version: apiVersion };
  if (parts.length === 2) return { group: parts[0]!, version: parts[1]! };
  throw new Error(`unexpected GroupVersion string: ${apiVersion}`);
}
