/** Fields of former versions, which v1 carries as annotations (k8s.io/kubernetes/pkg/apis/apps/v1/conversion.go). */
import { badRequest } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { TypedObject } from '@keelson/api/object';

const INT64 = 2n ** 63n;

/**
 * Brings the number into the form in which Go writes it; an empty one goes.
 * @throws StatusError 400 for what is no int64
 */
export function canonicalInt64Annotation({ metadata }: TypedObject, kind: string, key: string): void {
  const text = metadata.annotations?.[key];
  if (text === undefined) return;
  if (text === '') {
    delete metadata.annotations![key];
    if (Object.keys(metadata.annotations!).length === 0) delete metadata.annotations;
    return;
  }
  const value = parseInt64(text);
  if (value === undefined) {
    throw badRequest(
      `${kind} in version "v1" cannot be handled as a ${kind}: failed to parse annotation[${key}]=${text} as int64: ${parseProblem(text)}`,
    );
  }
  metadata.annotations![key] = value.toString();
}

/** As strconv.ParseInt(text, 10, 64). */
export function parseInt64(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]+$/.test(text)) return undefined;
  const value = BigInt(text.replace(/^\+/, ''));
  return value < INT64 && value >= -INT64 ? value : undefined;
}

/** Go's words for why that failed. */
export function parseProblem(text: string): string {
  const why = /^[+-]?[0-9]+$/.test(text) ? 'value out of range' : 'invalid syntax';
  return `strconv.ParseInt: parsing ${quote(text)}: ${why}`;
}
