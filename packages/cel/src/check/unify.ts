/** Which types go together, with generic parameters found out on the way (cel-go checker/types.go). */
import {
  DynType,
  formatType,
  isDyn,
  listType,
  mapType,
  opaqueType,
  paramsOf,
  sameType,
  type Type,
  typeType,
} from '../types/type.ts';

const isDynOrError = (type: Type) => isDyn(type) || type.kind === 'error';
/** Types that null may stand for. */
const NULLABLE = new Set<Type['kind']>(['opaque', 'struct', 'any', 'duration', 'timestamp', 'null']);

/** What is known of type parameters so far. */
export class Substitution {
  readonly #known = new Map<string, Type>();
  /** What parameters were before the attempt that is being made. */
  #before: [name: string, type: Type | undefined][] = [];

  /** Whether values of one type may stand where the other is wanted; what that tells of parameters is kept if so. */
  assignable(from: Type, to: Type): boolean {
    return this.#attempt(() => this.#fits(from, to));
  }

  allAssignable(from: readonly Type[], to: readonly Type[]): boolean {
    return this.#attempt(() => this.#allFit(from, to));
  }

  /** The type with known parameters replaced; unknown ones become dyn if `final`. */
  apply(type: Type, final = false): Type {
    switch (type.kind) {
      case 'param': {
        const known = this.#known.get(type.name);
        if (known) return this.apply(known, final);
        return final ? DynType : type;
      }
      case 'list':
        return listType(this.apply(type.element, final));
      case 'map':
        return mapType(this.apply(type.key, final), this.apply(type.value, final));
      case 'opaque':
        return type.params.length === 0 ? type : opaqueType(type.name, ...type.params.map((p) => this.apply(p, final)));
      case 'type':
        return type.of ? typeType(this.apply(type.of, final)) : type;
      default:
        return type;
    }
  }

  #attempt(attempt: () => boolean): boolean {
    this.#before = [];
    if (attempt()) return true;
    for (const [name, type] of this.#before.reverse()) {
      if (type) this.#known.set(name, type);
      else this.#known.delete(name);
    }
    return false;
  }

  #set(name: string, type: Type): void {
    this.#before.push([name, this.#known.get(name)]);
    this.#known.set(name, type);
  }

  #allFit(from: readonly Type[], to: readonly Type[]): boolean {
    return from.length === to.length && from.every((type, i) => this.#fits(type, to[i]!));
  }

  #fits(from: Type, to: Type): boolean {
    if (to.kind === 'param') {
      const fit = this.#substitutes(from, to);
      if (fit !== undefined) return fit;
    }
    if (from.kind === 'param') return this.#substitutes(to, from) ?? false;
    if (isDynOrError(from) || isDynOrError(to)) return true;
    if (from.kind === 'null') return NULLABLE.has(to.kind);
    if (to.kind === 'null') return NULLABLE.has(from.kind);
    switch (from.kind) {
      case 'type':
        return to.kind === 'type';
      case 'list':
      case 'map':
      case 'opaque': {
        const named = from.kind !== 'opaque' || (to.kind === 'opaque' && from.name === to.name);
        return from.kind === to.kind && named && this.#allFit(paramsOf(from), paramsOf(to));
      }
      default:
        return sameType(from, to);
    }
  }

  /** Whether a parameter may stand for a type. Undefined: it has no meaning yet and cannot get this one. */
  #substitutes(type: Type, param: Type & { kind: 'param' }): boolean | undefined {
    if (sameType(type, param)) return true;
    const known = this.#known.get(param.name);
    if (known) {
      if (sameType(type, known)) return true;
      if (!this.#fits(type, known)) return false;
      const general = mostGeneral(type, known);
      if (!this.#occurs(param, general)) this.#set(param.name, general);
      return true;
    }
    if (this.#occurs(param, type)) return undefined;
    this.#set(param.name, type);
    return true;
  }

  #occurs(param: Type & { kind: 'param' }, within: Type): boolean {
    if (sameType(param, within)) return true;
    if (within.kind === 'param') {
      const known = this.#known.get(within.name);
      return known !== undefined && this.#occurs(param, known);
    }
    return paramsOf(within).some((inner) => this.#occurs(param, inner));
  }
}

/** The more general of two types that go together. */
export function mostGeneral(a: Type, b: Type): Type {
  return lessSpecific(a, b) ? a : b;
}

function lessSpecific(a: Type, b: Type): boolean {
  if (isDyn(a) || a.kind === 'param') return true;
  if (isDyn(b) || b.kind === 'param' || a.kind !== b.kind) return false;
  if (a.kind === 'type') return true;
  if (a.kind !== 'list' && a.kind !== 'map' && a.kind !== 'opaque') return sameType(a, b);
  const [left, right] = [paramsOf(a), paramsOf(b)];
  const named = a.kind !== 'opaque' || (b.kind === 'opaque' && a.name === b.name && left.length === right.length);
  return named && left.every((type, i) => lessSpecific(type, right[i]!));
}

/** `(int, string)`, or `string.(int)` of a member function. */
export function formatSignature(args: readonly Type[], member: boolean): string {
  const texts = args.map(formatType);
  const target = member ? `${texts.shift()}.` : '';
  return `${target}(${texts.join(', ')})`;
}
