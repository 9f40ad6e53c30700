/** Request bodies as objects: decoded as what they say they are, defaulted, and complained of in upstream's words. */
import { type Body, type Decoded, serializerFor } from '@keelson/api/codec/index';
import { stringify } from '@keelson/api/codec/stringify';
import { decodeYamlDocument } from '@keelson/api/codec/yaml';
import { badRequest, type StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import { apiVersionOf, type KubeObject, parseApiVersion } from '@keelson/api/object';
import { type StructType, structType } from '@keelson/api/schema';
import { addWarning, type RequestContext } from '../context.ts';
import type { MediaType } from '../http/negotiate.ts';
import { pauseFor, workOn } from '../pieces.ts';
import { type ExpectedKind, kindMissing, otherType, unknownConversion, versionMissing } from '../registry/kinds.ts';
import type { DeleteOptions } from '../registry/strategy.ts';
import type { FieldValidation } from './options.ts';

export interface Expected extends ExpectedKind {
  /** Empty lists and maps are not dropped: what is stored is validated as Go has read it, and made canonical then. */
  readonly keepsEmpty?: boolean;
  /** All that is said of what cannot be read, where upstream fails at finding words for it. */
  readonly unreadable?: string;
}

/**
 * @param fieldValidation what unknown and duplicate fields are: an error, a warning, nothing
 * @throws StatusError 400
 */
export async function decodeBody(
  ctx: RequestContext,
  body: Buffer,
  mediaType: MediaType,
  expected: Expected,
  fieldValidation: FieldValidation,
): Promise<KubeObject> {
  let said: Body;
  try {
    said = serializerFor(mediaType).open(body);
    parseApiVersion(said.apiVersion);
  } catch (error) {
    throw unrecognized(message(error), body, expected);
  }
  await pauseFor(body.length);
  const isCustom = expected.form.type === undefined;
  const kind = said.kind || expected.kind;
  const apiVersion = apiVersionOf(parseApiVersion(said.apiVersion)) || apiVersionOf(expected);
  const unhandled = (why: string): StatusError =>
    badRequest(
      expected.unreadable ??
        `${kind} in version ${quote(versionOf(apiVersion))} cannot be handled as a ${isCustom ? kind : expected.kind}: ${why}`,
    );
  if (!isCustom && apiVersion.endsWith('/')) throw unhandled(versionMissing(asJson(body, mediaType)));
  let isForeign = false;
  if (isCustom) {
    // Who looks for mistakes asks for the kind first.
    if (said.kind === '' && fieldValidation === 'Ignore') throw unhandled(kindMissing(asJson(body, mediaType)));
    isForeign = isForeignCustom(said, body, expected);
  }

  let other: StructType | undefined;
  let decoded: Decoded;
  try {
    // Another kind, or version, is read as what it is, and refused then.
    other = isCustom ? undefined : otherType(kind, apiVersion, expected);
    const options = { strict: fieldValidation !== 'Ignore', keepsEmpty: expected.keepsEmpty ?? false };
    decoded = other ? said.decode(other, options) : await workOn(body.length, expected.form.decoding(said, options));
  } catch (error) {
    throw unhandled(message(error));
  }
  // Names of fields are looked at more closely now.
  if (isCustom) {
    if (!decoded.object.kind) throw unrecognized(kindMissing(asJson(body, mediaType)), body, expected);
    if (said.apiVersion && !decoded.object.apiVersion) throw versionMismatch('', expected);
  }
  if (other && (kind !== expected.kind || expected.unreadable !== undefined))
    throw unhandled(unknownConversion(other, expected));
  if (decoded.strictErrors.length > 0) {
    if (fieldValidation === 'Strict') throw unhandled(`strict decoding error: ${decoded.strictErrors.join(', ')}`);
    for (const text of decoded.strictErrors.flatMap(warningsOf)) addWarning(ctx, text);
  }
  if (other || isForeign) throw versionMismatch(said.apiVersion, expected);
  return asExpected(decoded.object, expected);
}

/** An object that is what was expected says so; which kind a custom resource says it is, its strategy judges. */
export function asExpected(object: KubeObject, expected: Expected): KubeObject {
  if (expected.form.type === undefined) return object;
  object.kind = expected.kind;
  object.apiVersion = apiVersionOf(expected);
  return object;
}

/** Custom resources must say what they are. @returns whether they say another version. @throws StatusError 400 */
function isForeignCustom(said: Body, body: Buffer, expected: Expected): boolean {
  if (said.kind === '') throw unrecognized(kindMissing(body.toString('utf8')), body, expected);
  return said.apiVersion !== apiVersionOf(expected);
}

function asJson(body: Buffer, mediaType: MediaType): string {
  return mediaType === 'application/yaml' ? stringify(decodeYamlDocument(body).value) : body.toString('utf8');
}

function unrecognized(why: string, body: Buffer, { kind, unreadable }: Expected): StatusError {
  return badRequest(
    unreadable ?? `the object provided is unrecognized (must be of type ${kind}): ${why} (${summary(body)})`,
  );
}

function versionMismatch(apiVersion: string, expected: Expected): StatusError {
  return badRequest(
    `the API version in the data (${apiVersion}) does not match the expected API version (${apiVersionOf(expected)})`,
  );
}

/** YAML's duplicate keys come as one error of many lines; each is a warning of its own. */
function warningsOf(strictError: string): string[] {
  const lines = /^yaml: unmarshal errors:\n(.*)$/s.exec(strictError)?.[1];
  return lines === undefined ? [strictError] : lines.split('\n').map((line) => line.trim());
}

function versionOf(apiVersion: string): string {
  return apiVersion.split('/').at(-1) ?? '';
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The beginning of the body, as hex where it is no JSON. */
function summary(body: Buffer): string {
  const max = 30;
  if (body.length === 0) return '<empty>';
  const isJson = body[0] === 0x7b;
  const head = body.subarray(0, max);
  const text = isJson ? head.toString('utf8') : head.toString('hex');
  return body.length > max ? `${text} ...` : text;
}

const META_VERSION = 'meta.k8s.io/v1';
const DELETE_OPTIONS_SCHEME = 'k8s.io/apimachinery/pkg/apis/meta/internalversion/scheme/register.go:27';

/** The body of a DELETE: DeleteOptions of any group. Unknown fields do not matter. @throws StatusError 400 */
export function decodeDeleteOptions(body: Buffer, mediaType: MediaType): DeleteOptions {
  try {
    const said = serializerFor(mediaType).open(body);
    const { kind } = said;
    const apiVersion = said.apiVersion ? apiVersionOf(parseApiVersion(said.apiVersion)) : META_VERSION;
    if (kind !== '' && kind !== 'DeleteOptions') {
      throw new Error(
        `no kind ${quote(kind)} is registered for version ${quote(apiVersion)} in scheme ${quote(DELETE_OPTIONS_SCHEME)}`,
      );
    }
    const { kind: _kind, apiVersion: _apiVersion, ...options } = said.decode(DELETE_OPTIONS, { strict: false }).object;
    return options as DeleteOptions;
  } catch (error) {
    throw badRequest(message(error));
  }
}

const DELETE_OPTIONS = structType('io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions');
