/** Bodies of patches, which are no objects yet: any JSON, or YAML for apply. */
import { decodeJsonValue } from '@keelson/api/codec/json';
import { decodeYamlDocument } from '@keelson/api/codec/yaml';
import { badRequest } from '@keelson/api/errors';
import { isObject, notAnObject } from '@keelson/api/patch/value';

export interface PatchBody {
  readonly value: unknown;
  /** What strict decoding finds fault with, as warnings: `duplicate field "spec.replicas"`. */
  readonly duplicates: readonly string[];
}

/** @param prefix stands before the complaint. @throws StatusError 400 */
export function jsonPatchBody(body: Buffer, prefix: string): PatchBody {
  try {
    const { value, strictErrors } = decodeJsonValue(body);
    return { value, duplicates: strictErrors };
  } catch (error) {
    throw badRequest(`${prefix}${(error as Error).message}`);
  }
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
