/** Which representation a request gets. */
import type { Representation } from './representation.ts';
import { StoredJson } from './representation-json.ts';
import type { Scope } from './scope.ts';

export function representationFor(scope: Scope): Representation {
  return new StoredJson(scope.served.definition);
}
