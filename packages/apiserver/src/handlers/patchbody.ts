/** Bodies of patches, which are no objects yet: any JSON, or YAML for apply. */
import { decodeJsonValue } from '@keelson/api/codec/json';
import { decodeYamlDocument } from '@keelson/api/codec/yaml';
import { badRequest } from '@keelson/api/errors';

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

/** @throws StatusError 400 */
export function applyBody(body: Buffer): PatchBody {
  try {
    return decodeYamlDocument(body);
  } catch (error) {
    throw badRequest(`error decoding YAML: ${(error as Error).message}`);
  }
}
