/**
 * JSON patch (RFC 6902) as the API server has it: gopkg.in/evanphx/json-patch.v4 with
 * k8s.io/apiserver/pkg/endpoints/handlers/patch.go around it. It is more lenient than the RFC, see docs/patch.md.
 */

import { sortedKeys } from '../codec/go-order.ts';
import { jsonText } from '../codec/json.ts';
import { JsonCursor } from '../codec/json-cursor.ts';
import { badRequest, requestEntityTooLarge } from '../errors.ts';
import { atOnce, type Pieces } from '../pieces.ts';
import { unprocessable } from './errors.ts';
import { formatJson } from './goformat.ts';
import { clone, equal, isObject, type JsonObject, jsonType, own, put, Written } from './value.ts';

/** A step of a patch. Its members are looked at only when the step is taken. */
export type Operation = JsonObject;

const MAX_OPERATIONS = 10_000;
/** What all `copy` operations of a patch may add to a document, in bytes of JSON. */
const MAX_COPY_BYTES = 3 * 1024 * 1024;
const MEMBERS = ['op', 'path', 'from', 'value'];

/** What `test` operations expect, as it was written: scalars are {@link Written}. */
const expectations = new WeakMap<Operation, unknown>();

/**
 * Checks the shape of a parsed patch. With `strict` (fieldValidation Strict and Warn) the members' types count, else
 * only that it is a list of objects.
 * @param text gives the patch as it was written, and is asked where there is a `test`, which compares texts of scalars, not values
 * @throws StatusError 400 for another shape, 413 for more than 10,000 operations
 */
export function decodeJsonPatch(body: unknown, strict: boolean, text?: () => string): Operation[] {
  return atOnce(decodingJsonPatch(body, strict, text));
}

/** The same in pieces. */
export function* decodingJsonPatch(body: unknown, strict: boolean, text?: () => string): Pieces<Operation[]> {
  if (body === null) return [];
  const [prefix, list, operation] = strict
    ? ['error decoding patch: ', '[]handlers.jsonPatchOp', 'handlers.jsonPatchOp']
    : ['', 'jsonpatch.Patch', 'jsonpatch.Operation'];
  const cannot = (value: unknown, into: string) =>
    badRequest(`${prefix}json: cannot unmarshal ${jsonType(value)} into Go ${into}`);
  if (!Array.isArray(body)) throw cannot(body, `value of type ${list}`);
  const operations = body.map((step: unknown): Operation => {
    if (step === null) return {};
    if (!isObject(step)) throw cannot(step, `value of type ${operation}`);
    for (const key of strict ? Object.keys(step) : []) {
      const value = step[key];
      if (!MEMBERS.includes(key) || key === 'value' || value === null || typeof value === 'string') continue;
      throw cannot(value, `struct field jsonPatchOp.${key} of type string`);
    }
    return step;
  });
  if (operations.length > MAX_OPERATIONS) {
    throw requestEntityTooLarge(
      `The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${operations.length}`,
    );
  }
  if (text && operations.some(({ op }) => op === 'test')) yield* expecting(operations, text());
  return operations;
}

function* expecting(operations: readonly Operation[], text: string): Pieces<void> {
  if (!MAY_DIFFER.test(text)) return;
  const written = (yield* new JsonCursor(text).reading(asWritten)) as (JsonObject | null)[];
  for (const [i, step] of operations.entries()) expectations.set(step, written[i]?.value ?? null);
}

/** Scalars that may not be as they would be written again: escapes and what would be escaped, other numbers than short integers. */
const MAY_DIFFER = /[\\<>&\u2028\u2029]|-0|\d[.eE]|\d{16}/;

function asWritten(cursor: JsonCursor): unknown {
  const text = cursor.raw();
  return text === 'null' ? null : new Written(text);
}

/** Complaints (`json patch unknown field "[0].zip"`) as the operations follow each other. */
export function inOrderOfOperations(complaints: readonly string[]): string[] {
  const indexOf = (text: string) => Number(/"\[(\d+)\]/.exec(text)?.[1] ?? 0);
  return [...complaints].sort((a, b) => indexOf(a) - indexOf(b));
}

/** What strict decoding finds fault with: `json patch unknown field "[0].zip"`. */
export function unknownMembers(operations: readonly Operation[]): string[] {
  return operations.flatMap((step, i) =>
    Object.keys(step)
      .filter((key) => !MEMBERS.includes(key))
      .map((key) => `json patch unknown field "[${i}].${key}"`),
  );
}

/** Why a patch does not apply, in the words of Go's library. */
export class PatchProblem extends Error {
  override readonly name = 'PatchProblem';
  /** A `test` failed: whether that is an error the caller knows. */
  readonly isFailedTest: boolean;

  constructor(message: string, isFailedTest = false) {
    super(message);
    this.isFailedTest = isFailedTest;
  }
}

/**
 * Returns the patched document; `document` and `operations` stay as they are. The result may be a list, since
 * `replace` takes the path of the whole document.
 * @throws StatusError 422, without saying why, when an operation does not apply or a test fails
 */
export function applyJsonPatch(document: JsonObject, operations: readonly Operation[]): JsonObject | unknown[] {
  return atOnce(applyingJsonPatch(document, operations));
}

/** The same in pieces. */
export function* applyingJsonPatch(
  document: JsonObject,
  operations: readonly Operation[],
): Pieces<JsonObject | unknown[]> {
  try {
    return yield* runningJsonPatch(document, operations);
  } catch (error) {
    throw error instanceof PatchProblem ? unprocessable() : error;
  }
}

/** The same for callers that tell why. @throws PatchProblem */
export function runJsonPatch(document: JsonObject, operations: readonly Operation[]): JsonObject | unknown[] {
  return atOnce(runningJsonPatch(document, operations));
}

function* runningJsonPatch(document: JsonObject, operations: readonly Operation[]): Pieces<JsonObject | unknown[]> {
  const target = new Target(clone(document));
  yield;
  for (const step of operations) {
    target.take(step);
    yield;
  }
  return target.result();
}

/** @param expected a value, or one whose scalars are {@link Written} */
function matches(actual: unknown, expected: unknown): boolean {
  if (expected instanceof Written) {
    const isScalar =
      actual instanceof Written || !(actual === null || actual === undefined || typeof actual === 'object');
    return isScalar && jsonText(actual as unknown as object) === expected.text;
  }
  if (typeof actual !== 'object' || typeof expected !== 'object' || actual === null || expected === null)
    return equal(actual, expected);
  if (Array.isArray(actual) || Array.isArray(expected)) {
    if (!Array.isArray(actual) || !Array.isArray(expected) || actual.length !== expected.length) return false;
    return actual.every((value, i) => matches(value, expected[i]));
  }
  const keys = Object.keys(actual);
  if (keys.length !== Object.keys(expected).length) return false;
  return keys.every(
    (key) => Object.hasOwn(expected, key) && matches(own(actual as JsonObject, key), own(expected as JsonObject, key)),
  );
}

type Container = JsonObject | unknown[];

const MISSING = 'missing value';

/** A document under change. */
class Target {
  root: Container;
  #copied = 0;
  /** Go's library has made maps of them, which are written in the order of their keys. */
  readonly #touched = new Set<object>();

  constructor(root: Container) {
    this.root = root;
  }

  take(step: Operation): void {
    const { op } = step;
    switch (op) {
      case 'add':
      case 'remove': {
        const path = pointer(step, 'path') ?? fail(`${op} operation failed to decode path: ${MISSING}`);
        const place =
          this.#find(path) ?? fail(`${op} operation does not apply: doc is missing path: "${path}": ${MISSING}`);
        within(`error in ${op} for path: '${path}'`, () =>
          op === 'add' ? add(...place, clone(step.value ?? null)) : remove(...place),
        );
        break;
      }
      case 'replace':
        this.#replace(step, clone(step.value ?? null));
        break;
      case 'move':
        this.#move(step);
        break;
      case 'copy':
        this.#copy(step);
        break;
      case 'test':
        this.#test(step, expectations.get(step) ?? step.value ?? null);
        break;
      default:
        fail(`Unexpected kind: ${typeof op === 'string' ? op : 'unknown'}`);
    }
  }

  /** The document as it is now; it is used up. */
  result(): Container {
    return this.#inOrder(this.root) as Container;
  }

  /** What has been touched lies within what has been touched. */
  #inOrder(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || !this.#touched.has(value)) return value;
    if (Array.isArray(value)) return value.map((item: unknown) => this.#inOrder(item));
    if (!isObject(value)) return value;
    const sorted: JsonObject = {};
    for (const key of sortedKeys(value)) put(sorted, key, this.#inOrder(value[key]));
    return sorted;
  }

  /** A value is looked at as a whole. */
  #touch(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    this.#touched.add(value);
    for (const member of Object.values(value)) this.#touch(member);
  }

  #move(step: Operation): void {
    const [container, key] = this.#from(step);
    const value = within(`error in move for path: '${key}'`, () => {
      const found = get(container, key);
      remove(container, key);
      return found;
    });
    const path = pointer(step, 'path') ?? fail(`move operation failed to decode path: ${NO_PATH}`);
    const place = this.#destination(step, path);
    within(`error in move for path: '${path}'`, () => add(...place, value));
  }

  /** A missing member is copied as null. */
  #copy(step: Operation): void {
    const from = this.#from(step);
    const value = within(`error in copy for from: '${pointer(step, 'from')}'`, () => get(...from)) ?? null;
    const path = pointer(step, 'path') ?? fail(`copy operation failed to decode path: ${MISSING}`);
    const place = this.#destination(step, path);
    this.#copied += Buffer.byteLength(formatJson(value));
    if (this.#copied > MAX_COPY_BYTES)
      fail(
        `Unable to complete the copy, the accumulated size increase of copy is ${this.#copied}, exceeding the limit ${MAX_COPY_BYTES}`,
      );
    within('error while adding value during copy', () => add(...place, clone(value)));
  }

  #replace(step: Operation, value: unknown): void {
    const path = pointer(step, 'path') ?? fail(`replace operation failed to decode path: ${NO_PATH}`);
    if (path === '') {
      if (typeof value !== 'object' || value === null) fail('replace operation value must be object or array');
      this.root = value as Container;
      return;
    }
    const missing = (what: string): string =>
      `replace operation does not apply: doc is missing ${what}: ${path}: ${MISSING}`;
    const [container, key] = this.#find(path) ?? fail(missing('path'));
    // A key that is missing from an object is added, an index that is missing from a list is an error.
    if (Array.isArray(container)) container[position(key, container.length) ?? fail(missing('key'))] = value;
    else put(container, key, value);
  }

  /** A missing member equals null. */
  #test(step: Operation, expected: unknown): void {
    const path = pointer(step, 'path') ?? fail(`test operation failed to decode path: ${NO_PATH}`);
    const place = path === '' ? undefined : this.#find(path);
    if (path !== '' && !place) fail(`test operation does not apply: is missing path: ${path}: ${MISSING}`);
    const actual = place ? (within(`error in test for path: '${path}'`, () => get(...place)) ?? null) : this.root;
    if (!matches(actual, expected)) throw new PatchProblem(`testing value ${path} failed: test failed`, true);
    // Not before: what is as expected is no larger than the patch.
    this.#touch(actual);
  }

  #from(step: Operation): [Container, string] {
    const from =
      pointer(step, 'from') ??
      fail(`${step.op} operation failed to decode from: operation, missing from field: ${MISSING}`);
    return (
      this.#find(from) ?? fail(`${step.op} operation does not apply: doc is missing from path: ${from}: ${MISSING}`)
    );
  }

  #destination(step: Operation, path: string): [Container, string] {
    return (
      this.#find(path) ??
      fail(`${step.op} operation does not apply: doc is missing destination path: ${path}: ${MISSING}`)
    );
  }

  /** What holds the last segment of a path, and that segment. Whatever stands before the first slash is ignored. */
  #find(path: string): [Container, string] | undefined {
    const segments = path.split('/').map((s) => s.replaceAll('~1', '/').replaceAll('~0', '~'));
    if (segments.length < 2) return undefined;
    let container = this.root;
    this.#touched.add(container);
    for (const segment of segments.slice(1, -1)) {
      const next = member(container, segment);
      if (typeof next !== 'object' || next === null) return undefined;
      container = next as Container;
      this.#touched.add(container);
    }
    return [container, segments.at(-1)!];
  }
}

const NO_PATH = `operation missing path field: ${MISSING}`;

function fail(why: string): never {
  throw new PatchProblem(why);
}

/** @throws PatchProblem that says where the problem arose */
function within<T>(where: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw error instanceof PatchProblem ? new PatchProblem(`${where}: ${error.message}`) : error;
  }
}

function pointer(step: Operation, name: 'path' | 'from'): string | undefined {
  const path = own(step, name);
  return typeof path === 'string' ? path : undefined;
}

function member(container: Container, key: string): unknown {
  if (!Array.isArray(container)) return own(container, key);
  const at = position(key, container.length);
  return at === undefined ? undefined : container[at];
}

/** Undefined for a missing key; an index out of bounds is an error. */
function get(container: Container, key: string): unknown {
  return Array.isArray(container) ? container[index(key, container.length)] : own(container, key);
}

function add(container: Container, key: string, value: unknown): void {
  if (!Array.isArray(container)) put(container, key, value);
  else if (key === '-') container.push(value);
  else if (!INTEGER.test(key)) fail(`value was not a proper array index: '${key}': ${notAnInteger(key)}`);
  else container.splice(index(key, container.length + 1), 0, value);
}

function remove(container: Container, key: string): void {
  if (Array.isArray(container)) container.splice(index(key, container.length), 1);
  else if (Object.hasOwn(container, key)) delete container[key];
  else fail(`Unable to remove nonexistent key: ${key}: ${MISSING}`);
}

const INTEGER = /^[+-]?\d+$/;

/** A position below `length` from a segment; -1 is the last one. A sign and leading zeros are fine. */
function position(segment: string, length: number): number | undefined {
  if (!INTEGER.test(segment)) return undefined;
  const n = Number(segment);
  const at = n < 0 ? n + length : n;
  return at < 0 || at >= length ? undefined : at;
}

function index(segment: string, length: number): number {
  if (!INTEGER.test(segment)) fail(notAnInteger(segment));
  return (
    position(segment, length) ?? fail(`Unable to access invalid index: ${Number(segment)}: invalid index referenced`)
  );
}

function notAnInteger(segment: string): string {
  return `strconv.Atoi: parsing ${JSON.stringify(segment)}: invalid syntax`;
}
