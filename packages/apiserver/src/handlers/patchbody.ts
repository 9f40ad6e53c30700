/** Bodies of patches, which are no objects yet: any JSON, or YAML for apply. */
import { decodingJsonValue } from '@keelson/api/codec/json';
import { JsonCursor } from '@keelson/api/codec/json-cursor';
import { decodeYamlDocument } from '@keelson/api/codec/yaml';
import { badRequest } from '@keelson/api/errors';
import { isObject, type JsonObject, notAnObject, own, put, Written } from '@keelson/api/patch/value';
import type { Pieces } from '@keelson/api/pieces';

export interface PatchBody {
  readonly value: unknown;
  /** What strict decoding finds fault with, as warnings: `duplicate field "spec.replicas"`. */
  readonly duplicates: readonly string[];
}

export interface JsonPatchBody extends PatchBody {
  /** The same with whole numbers like `1.0` and `1e0` as they were written; undefined where there are none. */
  readonly written: unknown;
}

/** Read in pieces. @param complaint what is said of a body that cannot be read. @throws StatusError 400 */
export function* jsonPatchBody(body: Buffer, complaint = (why: string) => why): Pieces<JsonPatchBody> {
  try {
    const { value, strictErrors, lossy } = yield* decodingJsonValue(body);
    yield;
    return { value, duplicates: strictErrors, written: lossy ? yield* asWritten(body, value) : undefined };
  } catch (error) {
    throw badRequest(complaint((error as Error).message));
  }
}

const NOT_PLAIN = /[.eE]/;

function* asWritten(body: Buffer, value: unknown): Pieces<unknown> {
  let found = false;
  const revived = yield* new JsonCursor(body.toString()).reading((cursor) => {
    const text = cursor.raw();
    if (!Number.isInteger(Number(text)) || !NOT_PLAIN.test(text)) return undefined;
    found = true;
    return new Written(text);
  });
  yield;
  return found ? withWritten(value, revived) : undefined;
}

/** A copy of the value, whose members stand in order and came only once, with the numbers of the other. */
function withWritten(value: unknown, written: unknown): unknown {
  if (written instanceof Written) return written;
  if (Array.isArray(value))
    return value.map((item, i) => withWritten(item, Array.isArray(written) ? written[i] : undefined));
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const key of Object.keys(value))
    put(copy, key, withWritten(value[key], isObject(written) ? own(written, key) : undefined));
  return copy;
}

/** @throws StatusError 400 for what is no YAML, and for what is no object (nothing at all is one without members) */
export function applyBody(body: Buffer): PatchBody {
  const complain = (why: string) => badRequest(`error decoding YAML: ${why}`);
  let document: PatchBody;
  try {
    document = decodeYamlDocument(body);
  } catch (error) {
    throw complain((error as Error).message);
  }
  const { value } = document;
  if (value === null || isObject(value)) return document;
  throw complain(`error unmarshaling JSON: while decoding JSON: ${notAnObject(value)}`);
}
