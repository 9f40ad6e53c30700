/** Bodies of patches, which are no objects yet: any JSON, or YAML for apply. */
import { syntaxError } from '@keelson/api/codec/json-syntax';
import { decodeYamlDocument } from '@keelson/api/codec/yaml';
import { badRequest } from '@keelson/api/errors';

export interface PatchBody {
  readonly value: unknown;
  /** What strict decoding finds fault with, as warnings: `duplicate field "spec.replicas"`. */
  readonly duplicates: readonly string[];
}

/** @param prefix stands before the complaint. @throws StatusError 400 */
export function jsonPatchBody(body: Buffer, prefix: string): PatchBody {
  const text = body.toString('utf8');
  try {
    return { value: JSON.parse(text), duplicates: [] };
  } catch {
    throw badRequest(`${prefix}${syntaxError(text)}`);
  }
}

/** @throws StatusError 400 */
export function applyBody(body: Buffer): PatchBody {
  try {
    return decodeYamlDocument(body);
  } catch (error) {
    throw badRequest(`error decoding YAML: ${(error as Error).message}`);
  }
}
