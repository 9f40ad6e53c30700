/** Request bodies as objects: decoded as what they say they are, defaulted, and complained of in upstream's words. */
import { type Body, type Decoded, serializerFor } from '@keelson/api/codec/index';
import { stringify } from '@keelson/api/codec/stringify';
import { decodeYamlDocument } from '@keelson/api/codec/yaml';
import { badRequest, type StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import { apiVersionOf, type KubeObject, parseApiVersion } from '@keelson/api/object';
import { type StructType, structType, typeOfKind } from '@keelson/api/schema';
import { addWarning, type RequestContext } from '../context.ts';
import type { MediaType } from '../http/negotiate.ts';
import { pauseFor, workOn } from '../pieces.ts';
import type { ObjectForm } from '../registry/form.ts';
import type { DeleteOptions } from '../registry/strategy.ts';
import type { FieldValidation } from './options.ts';

/** Where the scheme that lacks a kind was made; part of the message of upstream. */
const SCHEME = 'k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30';
/** Of the groups whose servers upstream puts beside that of all others: they know no kind of another group. */
const OWN_SCHEMES = new Map([
  ['apiextensions.k8s.io', 'k8s.io/apiextensions-apiserver/pkg/apiserver/apiserver.go:55'],
  ['apiregistration.k8s.io', 'k8s.io/kube-aggregator/pkg/apiserver/scheme/scheme.go:28'],
]);

export interface Expected {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly form: ObjectForm;
  /** Other group-versions whose body is taken for the same. */
  readonly alsoAccepts?: readonly string[];
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

function versionMissing(document: string): string {
  return `Object 'apiVersion' is missing in '${document}'`;
}

export function kindMissing(document: string): string {
  return `Object 'Kind' is missing in '${document}'`;
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

/**
 * Why an object that says it is of a kind is none that is expected, in any version; what it does not say is no fault.
 * @param read reads it as what it says it is: what it throws is found wrong first
 */
export function kindMismatch(
  kind: string | undefined,
  apiVersion: string | undefined,
  expected: Expected,
  read: (type: StructType) => void,
): string | undefined {
  if (expected.form.type === undefined) return undefined;
  try {
    const other = otherType(kind || expected.kind, apiVersion || apiVersionOf(expected), expected);
    if (!other || kind === expected.kind) return undefined;
    read(other);
    return unknownConversion(other, expected);
  } catch (error) {
    return message(error);
  }
}

/** Undefined for what is expected. @throws Error where there is no such kind */
function otherType(kind: string, apiVersion: string, expected: Expected): StructType | undefined {
  const isVersion = apiVersion === apiVersionOf(expected) || expected.alsoAccepts?.includes(apiVersion);
  if (kind === expected.kind && isVersion) return undefined;
  const { group, version } = parseApiVersion(apiVersion);
  const scheme = OWN_SCHEMES.get(expected.group);
  const type = scheme && group !== expected.group ? undefined : typeOfKind(group, version, kind);
  if (type) return type;
  throw new Error(
    `no kind ${quote(kind)} is registered for version ${quote(apiVersion)} in scheme ${quote(scheme ?? SCHEME)}`,
  );
}

function unknownConversion(other: StructType, { form, kind }: Expected): string {
  return `converting (${other.goName}) to (${internalGroup(form.type!)}.${kind}): unknown conversion`;
}

/** Go's package of the internal type: `core` of `io.k8s.api.core.v1.ConfigMap`. */
function internalGroup({ name }: StructType): string {
  return name.split('.').at(-3)!;
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
