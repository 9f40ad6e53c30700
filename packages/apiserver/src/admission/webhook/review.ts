/** AdmissionReview, asked and answered (k8s.io/apiserver/pkg/admission/plugin/webhook/request). */
import { SERIALIZERS } from '@keelson/api/codec/index';
import { encodeJson } from '@keelson/api/codec/json';
import { sortedDeep } from '@keelson/api/codec/order';
import { badRequest, type StatusDetails, StatusError } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { AdmissionReview } from '@keelson/api/generated/types/admission/v1';
import type { Status } from '@keelson/api/generated/types/meta/v1';
import { apiVersionOf, type KubeObject, parseApiVersion, type TypedObject } from '@keelson/api/object';
import { structType } from '@keelson/api/schema';
import type { Form, VersionedObjects } from '../matching/forms.ts';
import { requestOf } from '../matching/request.ts';

export type ReviewVersion = 'v1' | 'v1beta1';

const TYPES = {
  v1: structType('io.k8s.api.admission.v1.AdmissionReview'),
  v1beta1: structType('io.k8s.api.admission.v1beta1.AdmissionReview'),
} as const;

const LINE_FEED = Buffer.from('\n');

/** What a webhook has decided. */
export interface Verdict {
  readonly allowed: boolean;
  readonly status: Status | undefined;
  readonly warnings: readonly string[];
  readonly auditAnnotations: Readonly<Record<string, string>>;
  /** JSON; undefined: there is none. */
  readonly patch: Buffer | undefined;
  readonly patchType: string;
}

/** The first of the versions that the webhook names and that is known. */
export function reviewVersion(versions: readonly string[]): ReviewVersion | undefined {
  return versions.find((version): version is ReviewVersion => version in TYPES);
}

/** @param objects in the form that the webhook wants to see */
export function encodeReview(version: ReviewVersion, uid: string, objects: VersionedObjects): Buffer {
  const { object, oldObject, form } = objects;
  const { dryRun, options, ...request } = requestOf(objects);
  const both = { object: written(object, form), oldObject: written(oldObject, form) };
  const review = {
    kind: 'AdmissionReview',
    apiVersion: `admission.k8s.io/${version}`,
    request: { uid, ...request, ...both, dryRun, options },
  };
  return Buffer.concat([encodeJson(review), LINE_FEED]);
}

/** As Go writes it, whose webhooks may compare or sign what they get. */
function written(object: KubeObject | undefined, { form, kind }: Form): object | null {
  if (object === undefined) return null;
  if (form.type === undefined) return sortedDeep(object);
  const { kind: _, apiVersion: __, ...rest } = form.normalize(object);
  return { kind: kind.kind, apiVersion: apiVersionOf(kind), ...rest };
}

/** The answer is no AdmissionReview that could be trusted. */
export class InvalidResponse extends Error {
  override readonly name = 'InvalidResponse';
}

/** Where the webhooks' scheme was made; part of the message of upstream. */
const SCHEME = 'k8s.io/apiserver/pkg/util/webhook/client.go:71';
const REVIEWS = new Set(['admission.k8s.io/v1/AdmissionReview', 'admission.k8s.io/v1beta1/AdmissionReview']);
/** Kinds that every scheme knows, in any version. */
const UNVERSIONED = new Set(['Status', 'APIVersions', 'APIGroup', 'APIGroupList', 'APIResourceList']);

/** @throws Error, DecodeError for what is no object or of another type */
export function decodeReview(body: Buffer, version: ReviewVersion): AdmissionReview {
  const isJson = /^\s*\{/.test(body.toString('latin1', 0, 64));
  const said = SERIALIZERS[isJson ? 'application/json' : 'application/yaml'].open(body);
  const expected = `admission.k8s.io/${version}`;
  const apiVersion = apiVersionOf(parseApiVersion(said.apiVersion)) || expected;
  const kind = said.kind || 'AdmissionReview';
  if (!UNVERSIONED.has(kind) && !REVIEWS.has(`${apiVersion}/${kind}`))
    throw new Error(`no kind ${quote(kind)} is registered for version ${quote(apiVersion)} in scheme ${quote(SCHEME)}`);
  if (kind !== 'AdmissionReview' || apiVersion !== expected) {
    const from = kind === 'AdmissionReview' ? apiVersion.slice(apiVersion.indexOf('/') + 1) : 'v1';
    throw new Error(`converting (${from}.${kind}) to (${version}.AdmissionReview): unknown conversion`);
  }
  return said.decode(TYPES[version], { strict: false }).object as TypedObject as AdmissionReview;
}

/** @param isMutating whether it may come with a patch. @throws InvalidResponse */
export function verdictOf(review: AdmissionReview, version: ReviewVersion, uid: string, isMutating: boolean): Verdict {
  const { response, kind = '', apiVersion = '' } = review;
  if (!response) throw new InvalidResponse('webhook response was absent');
  const patch = response.patch ? Buffer.from(response.patch, 'base64') : undefined;
  if (version === 'v1') {
    if (response.uid !== uid)
      throw new InvalidResponse(`expected response.uid=${quote(uid)}, got ${quote(response.uid)}`);
    if (kind !== 'AdmissionReview' || apiVersion !== 'admission.k8s.io/v1') {
      const got = `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
      throw new InvalidResponse(`expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${got}`);
    }
    checkPatch(patch, response.patchType, isMutating);
  }
  return {
    allowed: response.allowed,
    status: response.status,
    warnings: response.warnings ?? [],
    auditAnnotations: response.auditAnnotations ?? {},
    patch: isMutating ? patch : undefined,
    patchType: version === 'v1' ? (response.patchType ?? '') : 'JSONPatch',
  };
}

function checkPatch(patch: Buffer | undefined, patchType: string | undefined, isMutating: boolean): void {
  if (!isMutating) {
    if (patch) throw new InvalidResponse('validating webhook may not return response.patch');
    if (patchType !== undefined) throw new InvalidResponse('validating webhook may not return response.patchType');
    return;
  }
  if (patch && patchType === undefined)
    throw new InvalidResponse('webhook returned response.patch but not response.patchType');
  if (!patch && patchType !== undefined)
    throw new InvalidResponse('webhook returned response.patchType but not response.patch');
  if (patchType === '') throw new InvalidResponse('webhook returned invalid response.patchType of ""');
}

/** What the client is told when a webhook does not allow its request. */
export function denial(webhook: string, status: Status | undefined): StatusError {
  const by = `admission webhook ${quote(webhook)} denied the request`;
  const { code = 0, reason = '', message = '', details, metadata } = status ?? {};
  const text = message || reason ? `${by}: ${message || reason}` : `${by} without explanation`;
  return new StatusError(Math.max(code, 400), reason, text, details as StatusDetails | undefined, metadata);
}

/** A dry run must not come to a webhook that may do something about it. */
export function dryRunUnsupported(webhook: string): StatusError {
  return badRequest(`admission webhook ${quote(webhook)} does not support dry run`);
}
