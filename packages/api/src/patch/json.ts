/**
 * JSON patch (RFC 6902) as the API server has it: gopkg.in/evanphx/json-patch.v4 with
 * k8s.io/apiserver/pkg/endpoints/handlers/patch.go around it. It is more lenient than the RFC, see docs/patch.md.
 */
import { badRequest, requestEntityTooLarge } from '../errors.ts';
import { unprocessable } from './errors.ts';
import { formatJson } from './goformat.ts';
import { clone, equal, isObject, type JsonObject, own, put } from './value.ts';

/** A step of a patch. Its members are looked at only when the step is taken. */
export type Operation = JsonObject;

const MAX_OPERATIONS = 10_000;
/** What all `copy` operations of a patch may add to a document, in bytes of JSON. */
const MAX_COPY_BYTES = 3 * 1024 * 1024;
const MEMBERS = ['op', 'path', 'from', 'value'];

/**
 * Checks the shape of a parsed patch. With `strict` (fieldValidation Strict and Warn) the members' types count, else
 * only that it is a list of objects.
 * @throws StatusError 400 for another shape, 413 for more than 10,000 operations
 */
export function decodeJsonPatch(body: unknown, strict: boolean): Operation[] {
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
  return operations;
}

/** What strict decoding finds fault with: `json patch unknown field "[0].zip"`. */
export function unknownMembers(operations: readonly Operation[]): string[] {
  return operations.flatMap((step, i) =>
    Object.keys(step)
      .filter((key) => !MEMBERS.includes(key))
      .map((key) => `json patch unknown field "[${i}].${key}"`),
  );
}

function jsonType(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/**
 * Returns the patched document; `document` and `operations` stay as they are. The result may be a list, since
 * `replace` takes the path of the whole document.
 * @throws StatusError 422, without saying why, when an operation does not apply or a test fails
 */
export function applyJsonPatch(document: JsonObject, operations: readonly Operation[]): JsonObject | unknown[] {
  const target = new Target(clone(document));
  for (const step of operations) target.take(step);
  return target.root;
}

type Container = JsonObject | unknown[];

/** A document under change. */
class Target {
  root: Container;
  #copied = 0;

  constructor(root: Container) {
    this.root = root;
  }

  take(step: Operation): void {
    switch (step.op) {
      case 'add':
        add(...this.#find(pointer(step, 'path')), clone(step.value ?? null));
        break;
      case 'remove':
        remove(...this.#find(pointer(step, 'path')));
        break;
      case 'replace':
        this.#replace(pointer(step, 'path'), clone(step.value ?? null));
        break;
      case 'move':
        this.#move(pointer(step, 'from'), step);
        break;
      case 'copy':
        this.#copy(pointer(step, 'from'), step);
        break;
      case 'test':
        this.#test(pointer(step, 'path'), step.value ?? null);
        break;
      default:
        throw unprocessable();
    }
  }

  #move(from: string, step: Operation): void {
    const [container, key] = this.#find(from);
    const value = get(container, key);
    remove(container, key);
    add(...this.#find(pointer(step, 'path')), value);
  }

  /** A missing member is copied as null. */
  #copy(from: string, step: Operation): void {
    const value = get(...this.#find(from)) ?? null;
    const [container, key] = this.#find(pointer(step, 'path'));
    this.#copied += Buffer.byteLength(formatJson(value));
    if (this.#copied > MAX_COPY_BYTES) throw unprocessable();
    add(container, key, clone(value));
  }

  #replace(path: string, value: unknown): void {
    if (path === '') {
      if (typeof value !== 'object' || value === null) throw unprocessable();
      this.root = value as Container;
      return;
    }
    const [container, key] = this.#find(path);
    // A key that is missing from an object is added, an index that is missing from a list is an error.
    get(container, key);
    if (Array.isArray(container)) container[index(key, container.length)] = value;
    else put(container, key, value);
  }

  /** A missing member equals null. */
  #test(path: string, expected: unknown): void {
    const actual = path === '' ? this.root : (get(...this.#find(path)) ?? null);
    if (!equal(actual, expected)) throw unprocessable();
  }

  /** What holds the last segment of a path, and that segment. Whatever stands before the first slash is ignored. */
  #find(path: string): [Container, string] {
    const segments = path.split('/').map((s) => s.replaceAll('~1', '/').replaceAll('~0', '~'));
    if (segments.length < 2) throw unprocessable();
    let container = this.root;
    for (const segment of segments.slice(1, -1)) {
      const next = get(container, segment);
      if (typeof next !== 'object' || next === null) throw unprocessable();
      container = next as Container;
    }
    return [container, segments.at(-1)!];
  }
}

function pointer(step: Operation, member: 'path' | 'from'): string {
  const path = own(step, member);
  if (typeof path !== 'string') throw unprocessable();
  return path;
}

/** Undefined for a missing key; an index out of bounds is an error. */
function get(container: Container, key: string): unknown {
  return Array.isArray(container) ? container[index(key, container.length)] : own(container, key);
}

function add(container: Container, key: string, value: unknown): void {
  if (!Array.isArray(container)) put(container, key, value);
  else if (key === '-') container.push(value);
  else container.splice(index(key, container.length + 1), 0, value);
}

function remove(container: Container, key: string): void {
  if (Array.isArray(container)) container.splice(index(key, container.length), 1);
  else if (Object.hasOwn(container, key)) delete container[key];
  else throw unprocessable();
}

/** A position below `length` from a segment; -1 is the last one. A sign and leading zeros are fine. */
function index(segment: string, length: number): number {
  if (!/^[+-]?\d+$/.test(segment)) throw unprocessable();
  const n = Number(segment);
  const position = n < 0 ? n + length : n;
  if (position < 0 || position >= length) throw unprocessable();
  return position;
}
