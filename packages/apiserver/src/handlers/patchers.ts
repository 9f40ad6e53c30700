/** From the body of a PATCH to a function that makes the new object out of the live one. */
import { decodeJson, encodeJson, normalize } from '@keelson/api/codec/json';
import { badRequest, invalid, notFound } from '@keelson/api/errors';
import * as field from '@keelson/api/field';
import { apiVersionOf, type KubeObject } from '@keelson/api/object';
import { formatV } from '@keelson/api/patch/goformat';
import { applyJsonPatch, decodeJsonPatch, unknownMembers } from '@keelson/api/patch/json';
import { applyMergePatch, decodeMergePatch } from '@keelson/api/patch/merge';
import { applyStrategicPatch, decodeStrategicPatch } from '@keelson/api/patch/strategic';
import { clone, type JsonObject } from '@keelson/api/patch/value';
import { formatTime } from '@keelson/api/time';
import { addWarning } from '../context.ts';
import { kindMismatch } from './decode.ts';
import type { PatchOptions } from './options.ts';
import { applyBody, jsonPatchBody } from './patchbody.ts';
import type { Scope } from './scope.ts';

/** Objects as the endpoint shows them, in and out. @throws StatusError as the patch deserves */
export type Mechanism = (live: KubeObject | undefined) => KubeObject;

/** @throws StatusError 400 for a body that is no patch of this type */
export function mechanismOf(
  scope: Scope,
  patchType: string,
  body: Buffer,
  options: PatchOptions,
  manager: string,
): Mechanism {
  if (patchType === 'application/apply-patch+yaml') return applier(scope, body, options);
  const patch = patcherOf(scope, patchType, body, options);
  const { served, ctx, lens } = scope;
  return (current) => {
    if (!current) throw notFound(served.definition, ctx.info.name);
    const patched = patch(current);
    lens.defaults(patched);
    return lens.fields.update(current, patched, manager, formatTime(ctx.receivedAt));
  };
}

function applier(scope: Scope, body: Buffer, options: PatchOptions): Mechanism {
  const { ctx, lens } = scope;
  const { value, duplicates } = applyBody(body);
  return (current) => {
    const merged = lens.fields.apply(
      current,
      value,
      options.fieldManager,
      options.force ?? false,
      formatTime(ctx.receivedAt),
    );
    if (duplicates.length > 0) {
      if (options.fieldValidation === 'Strict') throw badRequest(strictYamlError(duplicates));
      if (options.fieldValidation === 'Warn') for (const text of duplicates) addWarning(ctx, text);
    }
    const object = normalize(merged, lens.expected.type);
    lens.defaults(object);
    return object;
  };
}

/** The patched object in the version of the request, in canonical form. */
function patcherOf(
  scope: Scope,
  patchType: string,
  body: Buffer,
  options: PatchOptions,
): (current: KubeObject) => KubeObject {
  const isStrict = options.fieldValidation !== 'Ignore';
  switch (patchType) {
    case 'application/json-patch+json': {
      const { value, duplicates } = jsonPatchBody(body, isStrict ? 'error decoding patch: ' : '');
      const operations = decodeJsonPatch(value, isStrict);
      const found = isStrict ? [...duplicates.map((d) => `json patch ${d}`), ...unknownMembers(operations)] : [];
      return (current) => finish(scope, options, applyJsonPatch(current, operations), found);
    }
    case 'application/merge-patch+json': {
      const { value, duplicates } = jsonPatchBody(body, isStrict ? 'error decoding patch: ' : '');
      const patch = decodeMergePatch(value, isStrict);
      return (current) => finish(scope, options, applyMergePatch(current, patch), isStrict ? duplicates : []);
    }
    default: {
      const { value, duplicates } = jsonPatchBody(body, '');
      const patch = decodeStrategicPatch(value);
      return (current) => {
        // Merging uses the patch up, and there may be another attempt.
        const used = clone(patch);
        const patched = applyStrategicPatch(current, used, scope.lens.expected.type);
        return finish(scope, options, patched, isStrict ? duplicates : [], used);
      };
    }
  }
}

/**
 * The patched document as an object again.
 * @param shown what an error shows: the patch for strategic ones, else the whole result
 */
function finish(
  scope: Scope,
  options: PatchOptions,
  patched: JsonObject | unknown[],
  found: readonly string[],
  shown?: JsonObject,
): KubeObject {
  const bytes = encodeJson(patched);
  const complain = (why: string): never => {
    const value = shown ? formatV(shown) : bytes.toString('utf8');
    throw invalid('', '', '', [field.invalid(field.Path.of('patch'), value, why)]);
  };
  let result: { object: KubeObject; strictErrors: readonly string[] };
  try {
    const strict = options.fieldValidation !== 'Ignore';
    result = decodeJson(bytes, scope.lens.expected.type, { strict });
  } catch (error) {
    return complain((error as Error).message);
  }
  const { object } = result;
  const { expected } = scope.lens;
  // A strategic merge patch makes an object of the kind whatever it says; the result of another says what it is.
  const mismatch = shown ? undefined : kindMismatch(object.kind, object.apiVersion, expected);
  if (mismatch) return complain(mismatch);
  object.kind = expected.kind;
  object.apiVersion = apiVersionOf(expected);
  const problems = options.fieldValidation === 'Ignore' ? [] : [...found, ...result.strictErrors];
  if (problems.length > 0) {
    if (options.fieldValidation === 'Strict') return complain(`strict decoding error: ${problems.join(', ')}`);
    for (const text of problems) addWarning(scope.ctx, text);
  }
  return object;
}

function strictYamlError(duplicates: readonly string[]): string {
  const lines = duplicates.map((d) => `\n  ${d}`).join('');
  return `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:${lines}`;
}
