/** Subresources that are more than a view of their object: each has a handler of its own. */
import type { Verb } from '../router.ts';
import type { Scope } from './scope.ts';

/** Undefined for those that the ordinary handlers serve. */
export function subresourceHandler(_scope: Scope, _verb: Verb): Promise<void> | undefined {
  return undefined;
}
