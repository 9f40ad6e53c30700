/** Annotations that hold JSON of Kubernetes' own types. */
import { canonicalTree } from '@keelson/api/codec/canonical';
import { DecodeError, decodeExactly } from '@keelson/api/codec/exact';
import { syntaxError } from '@keelson/api/codec/json-syntax';
import { type ErrorList, invalid, type Path } from '@keelson/api/field';
import { type ListType, structType, type Type } from '@keelson/api/schema';

export interface JSONAnnotation {
  readonly key: string;
  readonly type: Type;
}

/** @param schema of its items. @param goName as Go's messages call it */
export const listAnnotation = (key: string, schema: string, goName: string): JSONAnnotation => {
  const type: ListType = { kind: 'list', element: structType(schema), elementPointer: false, goName, named: false };
  return { key, type };
};

/**
 * @param path whose value is said to be invalid where the annotation cannot be read, in the words of Go's encoding/json
 * @param validate is given what it says, undefined for null; not asked about what is empty or not there
 */
export function validateJSONAnnotation(
  annotations: Readonly<Record<string, string>>,
  { key, type }: JSONAnnotation,
  path: Path,
  validate: (value: unknown) => ErrorList,
): ErrorList {
  const text = annotations[key];
  if (!text) return [];
  let value: unknown;
  try {
    value = read(text, type);
  } catch (error) {
    if (error instanceof DecodeError) return [invalid(path, key, error.message)];
    throw error;
  }
  return validate(value ?? undefined);
}

/** @throws DecodeError */
function read(text: string, type: Type): unknown {
  const problem = syntaxError(Buffer.from(text));
  if (problem !== undefined) throw new DecodeError(problem);
  return canonicalTree(decodeExactly(text, type, false).tree, type);
}
