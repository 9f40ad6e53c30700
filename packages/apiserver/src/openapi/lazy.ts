import type { Json } from './schemas.ts';

/** A member of an object, made when it is written and forgotten behind that. */
export type Member = readonly [name: string, make: () => unknown];

/** A JSON object that would take too much time and memory as a whole. */
export class Lazy {
  readonly members: readonly Member[];

  constructor(members: readonly Member[]) {
    this.members = members;
  }

  static of(object: Json): Lazy {
    return new Lazy(membersOf(object));
  }
}

/** Of any object. */
export function membersOf(object: Json | Lazy): readonly Member[] {
  if (object instanceof Lazy) return object.members;
  return Object.entries(object).map(([name, value]) => [name, () => value]);
}
