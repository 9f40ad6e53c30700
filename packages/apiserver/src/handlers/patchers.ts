/** From the body of a PATCH to a function that makes the new object out of the live one. */
import { describe, showKind } from '@keelson/api/apply/fieldmanager';
import { inOrder } from '@keelson/api/codec/canonical';
import { sortedKeys } from '@keelson/api/codec/go-order';
import { type Decoded, decodeRegular, encodeJson, openJson } from '@keelson/api/codec/json';
import { metadataInOrder } from '@keelson/api/codec/order';
import { badRequest, internalError, invalid, notFound, type StatusError } from '@keelson/api/errors';
import * as field from '@keelson/api/field';
import type { KubeObject } from '@keelson/api/object';
import { plainError } from '@keelson/api/patch/errors';
import { formatV } from '@keelson/api/patch/goformat';
import {
  applyingJsonPatch,
  applyJsonPatch,
  decodingJsonPatch,
  inOrderOfOperations,
  type Operation,
  unknownMembers,
} from '@keelson/api/patch/json';
import { applyMergePatch, decodeMergePatch } from '@keelson/api/patch/merge';
import { applyStrategicPatch, decodeStrategicPatch } from '@keelson/api/patch/strategic';
import { fromUnstructured, holdsRaw } from '@keelson/api/patch/unstructured';
import { clone, equal, type JsonObject } from '@keelson/api/patch/value';
import type { Pieces } from '@keelson/api/pieces';
import type { StructType } from '@keelson/api/schema';
import { formatTime } from '@keelson/api/time';
import { addWarning } from '../context.ts';
import { pauseFor, workOn } from '../pieces.ts';
import { kindMismatch, kindMissing, versionMissing } from '../registry/kinds.ts';
import { asExpected } from './decode.ts';
import type { PatchOptions } from './options.ts';
import { applyBody, jsonPatchBody } from './patchbody.ts';
import type { Scope } from './scope.ts';

/** Objects as the endpoint shows them, in and out; `size` is about that of the larger one. @throws StatusError as the patch deserves */
export type Mechanism = (live: KubeObject | undefined, size: number) => Promise<KubeObject>;

/** The body is looked at when there is an object to patch: a patch of nothing is not found, whatever it says. */
export function mechanismOf(
  scope: Scope,
  patchType: string,
  body: Buffer,
  options: PatchOptions,
  manager: string,
): Mechanism {
  if (patchType === 'application/apply-patch+yaml') return applier(scope, body, options);
  const { served, ctx, lens } = scope;
  let patch: Patcher | undefined;
  return async (current, size) => {
    if (!current) throw notFound(served.definition, ctx.info.name);
    await pauseFor(size);
    patch ??= await workOn(body.length, patcherOf(scope, patchType, body, options));
    const patched = await workOn(size, patch(current));
    await pauseFor(size);
    lens.defaults(patched, ctx.receivedAt);
    return lens.manage(size, (fields) => fields.updating(current, patched, manager, formatTime(ctx.receivedAt)));
  };
}

function applier(scope: Scope, body: Buffer, options: PatchOptions): Mechanism {
  const { ctx, lens } = scope;
  const { value, duplicates } = applyBody(body);
  return async (current, size) => {
    await pauseFor(size);
    const { fieldManager, force = false } = options;
    const now = formatTime(ctx.receivedAt);
    const merged = await lens.manage(size, (fields) => fields.applying(current, value, fieldManager, force, now));
    await pauseFor(size);
    if (duplicates.length > 0) {
      if (options.fieldValidation === 'Strict') throw badRequest(strictYamlError(duplicates));
      if (options.fieldValidation === 'Warn') for (const text of duplicates) addWarning(ctx, text);
    }
    const object = versioned(scope, value, merged);
    // Where nothing changes nothing is completed: what the stored version does not know would come back with each apply.
    if (!current || !saysTheSame(merged, current)) lens.defaults(object, ctx.receivedAt);
    return object;
  };
}

/** Whoever owns its fields. */
function saysTheSame(a: KubeObject, b: KubeObject): boolean {
  const content = ({ metadata: { managedFields: _, ...metadata }, ...rest }: KubeObject) => ({ metadata, ...rest });
  return equal(content(a), content(b));
}

/** @param config names the object in errors. @throws StatusError 500 for what fits the schema, and not the type */
function versioned({ lens }: Scope, config: unknown, merged: KubeObject): KubeObject {
  const { form, keepsEmpty } = lens.expected;
  const { type } = form;
  const normalized = (object: JsonObject) => form.normalize(object, keepsEmpty);
  if (!type) return normalized(merged);
  try {
    if (!holdsRaw(type)) return normalized(merged);
  } catch {
    // What has not been JSON text is read with less care, and complained of in other words.
  }
  try {
    return normalized(fromUnstructured(merged, type).object);
  } catch (error) {
    const gvk = showKind(lens.expected);
    throw plainError(
      `failed to convert new object (${describe(config, lens.expected)}) to proper version: unable to convert unstructured object to ${gvk}: ${(error as Error).message}`,
    );
  }
}

type Patcher = (current: KubeObject) => Pieces<KubeObject>;

/**
 * The patched object in the version of the request, in canonical form.
 * @throws StatusError 400 for a body that is no patch of this type
 */
function* patcherOf(scope: Scope, patchType: string, body: Buffer, options: PatchOptions): Pieces<Patcher> {
  const isStrict = options.fieldValidation !== 'Ignore';
  const complaint = (why: string) => (isStrict ? `error decoding patch: ${why}` : why);
  // What complaints show of an object without a type was a Go map, of others a Go struct.
  const before = (current: KubeObject) =>
    scope.lens.expected.form.type ? { ...current, metadata: metadataInOrder(current.metadata) } : inOrder(current);
  // Values stand in complaints as they were written.
  const raw = () => JSON.parse(body.toString('utf8')) as unknown;
  switch (patchType) {
    case 'application/json-patch+json': {
      const { value, duplicates, written } = yield* jsonPatchBody(body, complaint);
      const operations = yield* decodingJsonPatch(written ?? value, isStrict, () => body.toString('utf8'));
      const found = isStrict
        ? inOrderOfOperations([...duplicates.map((d) => `json patch ${d}`), ...unknownMembers(operations)])
        : [];
      const isRegular = written === undefined;
      const shown = () => (isRegular ? (raw() as Operation[]) : operations);
      return function* (current) {
        const patched = yield* applyingJsonPatch(current, operations);
        yield;
        return yield* fromDocument(scope, options, patched, found, isRegular, () =>
          applyJsonPatch(before(current), shown()),
        );
      };
    }
    case 'application/merge-patch+json': {
      const { value, duplicates, written } = yield* jsonPatchBody(
        body,
        isStrict ? complaint : () => 'Invalid JSON Patch',
      );
      const patch = decodeMergePatch(written ?? value, isStrict);
      const found = isStrict ? duplicates : [];
      const isRegular = written === undefined;
      const shown = () => (isRegular ? (raw() as JsonObject) : patch);
      return function* (current) {
        const patched = applyMergePatch(current, patch);
        yield;
        return yield* fromDocument(scope, options, patched, found, isRegular, () =>
          applyMergePatch(before(current), shown()),
        );
      };
    }
    default: {
      const { value, duplicates } = yield* jsonPatchBody(body);
      const patch = decodeStrategicPatch(value);
      return function* (current) {
        // Merging uses the patch up, and there may be another attempt.
        const used = clone(patch);
        const patched = applyStrategicPatch(current, used, typeOf(scope));
        yield;
        return fromMerged(scope, options, patched, isStrict ? duplicates : [], used);
      };
    }
  }
}

/**
 * A patched document as an object again.
 * @param isRegular whether it has no numbers that only its text tells from others
 * @param shown the document as complaints show it, where that is another order of members
 * @throws StatusError 422 for one that does not decode, or not strictly
 */
function* fromDocument(
  scope: Scope,
  options: PatchOptions,
  patched: JsonObject | unknown[],
  found: readonly string[],
  isRegular: boolean,
  shown: () => JsonObject | unknown[] = () => patched,
): Pieces<KubeObject> {
  const textOf = (document: JsonObject | unknown[]) =>
    encodeJson(Array.isArray(document) ? document : sorted(document));
  const text = () => textOf(patched);
  const inWords = () => textOf(shown()).toString('utf8');
  const complain = complainer(inWords);
  const { kind, form, keepsEmpty = false } = scope.lens.expected;
  if (!form.type && !Array.isArray(patched)) {
    if (!patched.kind) throw complain(kindMissing(inWords()));
    if (!patched.apiVersion) throw internalError(versionMissing('object has no apiVersion field'));
  }
  // Without a version it is read in the internal one, which knows no member by its name.
  if (form.type && !Array.isArray(patched) && !patched.apiVersion) {
    const unknown = sortedKeys(patched).filter((key) => key !== 'kind' && key !== 'apiVersion');
    const problems = [...found, ...unknown.map((key) => `unknown field ${field.quote(key)}`)];
    return checked(scope, options, form.normalize({ kind }), problems, complain);
  }
  const decoding = { strict: options.fieldValidation !== 'Ignore', keepsEmpty };
  const said = Array.isArray(patched) ? undefined : saidBy(patched);
  const mismatch =
    said &&
    kindMismatch(said.kind, said.apiVersion, scope.lens.expected, (type) => openJson(text()).decode(type, decoding));
  if (mismatch) throw complain(mismatch);
  const regular = isRegular && form.type && decodeRegular(patched, form.type, decoding);
  if (regular) return checked(scope, options, regular, found, complain);
  const bytes = text();
  yield;
  let decoded: Decoded;
  try {
    decoded = yield* form.decoding(openJson(bytes), decoding);
  } catch (error) {
    throw complain((error as Error).message);
  }
  return checked(scope, options, decoded.object, [...found, ...decoded.strictErrors], complain);
}

/** What a document says it is; undefined where it says so by something else than text, and does not decode. */
function saidBy(document: JsonObject): { kind: string; apiVersion: string } | undefined {
  const kind = document.kind ?? '';
  const apiVersion = document.apiVersion ?? '';
  return typeof kind === 'string' && typeof apiVersion === 'string' ? { kind, apiVersion } : undefined;
}

/** The same for a strategic merge patch, whose errors show what is left of the patch, and which cannot change the kind. */
function fromMerged(
  scope: Scope,
  options: PatchOptions,
  patched: JsonObject,
  found: readonly string[],
  patch: JsonObject,
): KubeObject {
  const complain = complainer(() => formatV(patch));
  const { form, keepsEmpty } = scope.lens.expected;
  const { object, unknownFields } = attempt(complain, () => fromUnstructured(patched, typeOf(scope)));
  const normal = attempt(complain, () => form.normalize(object, keepsEmpty));
  return checked(scope, options, normal, [...found, ...unknownFields], complain);
}

/** The router lets strategic merge patches through to kinds with a type alone. */
function typeOf({ lens }: Scope): StructType {
  return lens.expected.form.type!;
}

function checked(
  scope: Scope,
  options: PatchOptions,
  object: KubeObject,
  problems: readonly string[],
  complain: (why: string) => StatusError,
): KubeObject {
  if (problems.length > 0 && options.fieldValidation === 'Strict') {
    throw complain(`strict decoding error: ${problems.join(', ')}`);
  }
  if (options.fieldValidation === 'Warn') for (const text of problems) addWarning(scope.ctx, text);
  return asExpected(object, scope.lens.expected);
}

function complainer(shown: () => string): (why: string) => StatusError {
  return (why) => invalid('', '', '', [field.invalid(field.Path.of('patch'), shown(), why)]);
}

function attempt<T>(complain: (why: string) => StatusError, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw complain((error as Error).message);
  }
}

/** Upstream's documents are Go maps: their members are written, and read, in the order of their names. */
function sorted(document: JsonObject): JsonObject {
  return Object.fromEntries(sortedKeys(document).map((key) => [key, document[key]]));
}

function strictYamlError(duplicates: readonly string[]): string {
  const lines = duplicates.map((d) => `\n  ${d}`).join('');
  return `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:${lines}`;
}
