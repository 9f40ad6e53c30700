import { canonicalTree } from '@keelson/api/codec/canonical';
import { DecodeError, decodeExactly } from '@keelson/api/codec/exact';
import { syntaxError } from '@keelson/api/codec/json-syntax';
import type { Type } from '@keelson/api/schema';

/** What an annotation says as JSON. @throws DecodeError in the words of Go's encoding/json */
export function readJSONAnnotation(text: string, type: Type): unknown {
  const problem = syntaxError(Buffer.from(text));
  if (problem !== undefined) throw new DecodeError(problem);
  return canonicalTree(decodeExactly(text, type, false).tree, type);
}
