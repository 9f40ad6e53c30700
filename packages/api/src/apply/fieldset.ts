/**
 * Sets of field paths. A set is its FieldsV1 tree: a key is a path element, and what stands under it is an empty object
 * for a member that has no children in the set, an object with `.` for one that has, and one without `.` for a parent
 * that is no member. Keys stand in the order of compareElements.
 *
 *   { 'f:spec': { 'f:replicas': {}, 'f:template': { '.': {}, 'f:metadata': {} } } }
 *   holds .spec.replicas, .spec.template and .spec.template.metadata
 *
 * Sets are immutable: the operations return new trees that share what did not change, or their argument itself.
 * Behaviour: sigs.k8s.io/structured-merge-diff/v6/fieldpath/set.go.
 */
import { isObject } from '../patch/value.ts';
import type { FieldsV1 } from '../scalars.ts';
import { canonicalElement, compareElements, type Element, FieldsError, SELF, showElement } from './element.ts';

export type FieldSet = FieldsV1;
export type FieldPath = readonly Element[];

/** A member without children. */
export const LEAF: FieldSet = Object.freeze({});
export const EMPTY: FieldSet = LEAF;

export function isEmpty(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}
/** Whether the node of a tree is itself a member, besides having children or not. Not for the root. */
export function isMember(node: FieldSet): boolean {
  return SELF in node || isEmpty(node);
}
export function hasChildren(node: FieldSet): boolean {
  for (const key in node) if (key !== SELF) return true;
  return false;
}

export function setOf(...paths: FieldPath[]): FieldSet {
  return paths.reduce<FieldSet>((set, path) => union(set, single(path)), EMPTY);
}
function single(path: FieldPath): FieldSet {
  return path.reduceRight<FieldSet>((node, element) => ({ [element]: node }), LEAF);
}

export function has(set: FieldSet, path: FieldPath): boolean {
  let node: FieldSet | undefined = set;
  for (const element of path) {
    node = node[element];
    if (!node) return false;
  }
  return isMember(node);
}

/** Members of either set. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmpty(b)) return a;
  if (isEmpty(a)) return b;
  return merge(a, b);
}
/** Neither tree is empty. */
function merge(a: FieldSet, b: FieldSet): FieldSet {
  const right = Object.keys(b);
  const out: FieldSet = {};
  let same = true;
  let j = 0;
  const takeRight = () => {
    const key = right[j++]!;
    out[key] = b[key]!;
    same = false;
  };
  for (const key in a) {
    while (j < right.length && compareElements(right[j]!, key) < 0) takeRight();
    const node = a[key]!;
    out[key] = node;
    if (right[j] !== key) continue;
    out[key] = unionNodes(node, b[key]!);
    if (out[key] !== node) same = false;
    j++;
  }
  while (j < right.length) takeRight();
  return same ? a : out;
}
/** The same for two nodes below a root, where an empty object is a member. */
export function unionNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  if (isEmpty(a)) return asMember(b);
  if (isEmpty(b)) return asMember(a);
  return merge(a, b);
}
/** The node, a member. */
export function asMember(node: FieldSet): FieldSet {
  return isMember(node) ? node : { [SELF]: LEAF, ...node };
}

/** Members of `a` that are none of `b`. The children of a member of `b` stay. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return subtract(a, b, false, false) ?? EMPTY;
}
/** Members of `a` that are none of `b`, and lie below none of `b`. */
export function recursiveDifference(a: FieldSet, b: FieldSet): FieldSet {
  return subtract(a, b, false, true) ?? EMPTY;
}
function subtractNode(a: FieldSet, b: FieldSet, recursive: boolean): FieldSet | undefined {
  const gone = isMember(b);
  if (gone && recursive) return undefined;
  if (isEmpty(a)) return gone ? undefined : a;
  return subtract(a, b, gone, recursive);
}
/** Undefined when nothing is left. `gone`: the node itself is no longer a member. */
function subtract(a: FieldSet, b: FieldSet, gone: boolean, recursive: boolean): FieldSet | undefined {
  const keys = Object.keys(a);
  let out: FieldSet | undefined;
  let children = 0;
  for (const [i, key] of keys.entries()) {
    const node = a[key]!;
    const other = b[key];
    let left: FieldSet | undefined = node;
    if (key === SELF) left = gone ? undefined : node;
    else if (other !== undefined) left = subtractNode(node, other, recursive);
    if (left !== undefined && key !== SELF) children++;
    if (out === undefined && left !== node) {
      out = {};
      for (const kept of keys.slice(0, i)) out[kept] = a[kept]!;
    }
    if (out !== undefined && left !== undefined) out[key] = left;
  }
  if (out === undefined) return a;
  if (children > 0) return out;
  return SELF in out ? LEAF : undefined;
}

/** Members of both sets. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return common(a, b, false) ?? EMPTY;
}
function common(a: FieldSet, b: FieldSet, member: boolean): FieldSet | undefined {
  let out: FieldSet | undefined;
  for (const key in a) {
    const other = b[key];
    if (key === SELF || other === undefined) continue;
    const node = a[key]!;
    const both = common(node, other, isMember(node) && isMember(other));
    if (both === undefined) continue;
    out ??= member ? { [SELF]: LEAF } : {};
    out[key] = both;
  }
  return out ?? (member ? LEAF : undefined);
}

/** All members: those of a level first, then what lies below each. */
export function* paths(set: FieldSet, prefix: FieldPath = []): Generator<FieldPath> {
  for (const key in set) if (key !== SELF && isMember(set[key]!)) yield [...prefix, key];
  for (const key in set) if (key !== SELF && hasChildren(set[key]!)) yield* paths(set[key]!, [...prefix, key]);
}

/** `.spec.containers[name="a"].image` */
export function showPath(path: FieldPath): string {
  return path.map(showElement).join('');
}

/**
 * A set from a FieldsV1 that may come from anywhere; the same object where it is in canonical form already. Elements of
 * unknown kinds are dropped.
 * @throws FieldsError for what is no set of fields
 */
export function parseFieldSet(fields: unknown): FieldSet {
  if (fields === null || fields === undefined) return EMPTY;
  if (isCanonical(fields) && !(SELF in fields)) return fields;
  const { [SELF]: _, ...rest } = parseNode(fields);
  return rest;
}

/** Also false for what is no set of fields at all. */
function isCanonical(tree: unknown): tree is FieldSet {
  if (!isObject(tree)) return false;
  let previous: Element | undefined;
  for (const key in tree) {
    const ordered = previous === undefined || compareElements(previous, key) < 0;
    if (!ordered || (key === SELF ? !isLeaf(tree[key]) : canonicalElement(key) !== key || !isCanonical(tree[key]))) {
      return false;
    }
    previous = key;
  }
  return previous !== SELF;
}

function parseNode(tree: unknown): FieldSet {
  if (tree === null || tree === undefined) return LEAF;
  if (!isObject(tree)) throw new FieldsError('ReadMapCB: expect { or n');
  let node: FieldSet = EMPTY;
  for (const key of Object.keys(tree)) {
    if (key === SELF) continue;
    const element = canonicalElement(key);
    if (element !== undefined) node = union(node, { [element]: parseNode(tree[key]) });
  }
  return SELF in tree && !isEmpty(node) ? asMember(node) : node;
}
function isLeaf(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}
