/** How long values can be, as the declarations of variables state it. */
import { type Declared, NO_MAX } from '../types/declared.ts';
import type { CostRange } from './range.ts';

/** How long the value at a path can be; undefined where that is not known. Paths begin with the name of a variable. */
export type SizeOf = (path: readonly string[]) => CostRange | undefined;

/**
 * All paths are looked up within one declaration, whatever the name is that they begin with: how the rules of custom resources are
 * estimated, where `self` and `oldSelf` are of one type, and what has no variable counts as nothing.
 */
export function sizesWithin(declared: Declared): SizeOf {
  return (path) => (path.length === 0 ? undefined : declaredSize(declared, path.slice(1)));
}

/** The length that a declaration states for what is at a path within it. Undefined where nothing is stated. */
export function declaredSize(variable: Declared, path: readonly string[]): CostRange | undefined {
  let at: Declared | undefined = variable;
  for (const step of path) {
    at = child(at, step);
    if (!at) return undefined;
  }
  return at.maxElements === NO_MAX ? undefined : { min: 0, max: at.maxElements };
}

function child(declared: Declared, step: string): Declared | undefined {
  switch (declared.kind) {
    case 'list':
      return step === '@items' ? declared.element : undefined;
    case 'map':
      return step === '@keys' ? declared.key : step === '@values' ? declared.value : undefined;
    case 'object':
      return declared.fields.get(step)?.declared;
    default:
      return undefined;
  }
}
