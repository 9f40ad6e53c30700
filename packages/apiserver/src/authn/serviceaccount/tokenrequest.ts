/** POST …/serviceaccounts/{name}/token (pkg/registry/core/serviceaccount/storage/token.go). */
import { metadataInOrder } from '@keelson/api/codec/order';
import { badRequest, conflict, internalError, invalid, notFound, type StatusError } from '@keelson/api/errors';
import * as field from '@keelson/api/field';
import type { BoundObjectReference, TokenRequest } from '@keelson/api/generated/types/authentication/v1';
import type { TypedObject } from '@keelson/api/object';
import { asError } from '../../aggregate.ts';
import type { IsEnabled } from '../../gates.ts';
import type { ObjectResource, Objects, ObjectTypes } from '../../objects.ts';
import { type Binding, boundClaims, credentialId } from './bound.ts';
import type { TokenKeys } from './token-keys.ts';

const GROUP = 'authentication.k8s.io';
const KIND = 'TokenRequest';
const DEFAULT_SECONDS = 3600;
/** Tokens live no shorter. */
export const MIN_SECONDS = 600;
const MAX_SECONDS = 2 ** 32;
/** What the mounted tokens of pods ask for (see admission/serviceaccount.ts): these are given longer, and watched. */
export const WATCHED_SECONDS = 3607;
/** How long those live then, where who signs them does not mind. */
export const EXTENDED_SECONDS = 365 * 24 * 3600;

export interface TokenIssuer {
  readonly issuer: string;
  readonly keys: Pick<TokenKeys, 'sign'>;
  readonly apiAudiences: readonly string[];
  /** `--service-account-max-token-expiration` in seconds; 0: none. */
  readonly maxSeconds: number;
  /** How long the mounted tokens of pods live (`--service-account-extend-token-expiration`); 0: as long as they ask for. */
  readonly extendedSeconds: number;
  readonly objects: Objects;
  readonly now: () => Date;
  readonly uuid: () => string;
  readonly isEnabled: IsEnabled;
}

export interface TokenRequestContext {
  readonly namespace: string;
  /** Of the account. */
  readonly name: string;
  warn(text: string): void;
  annotate(key: string, value: string): void;
  /** Validating admission. @throws StatusError */
  admit?(): Promise<void>;
}

/** An hour, where the client does not say. */
export function defaultTokenRequest({ spec }: TokenRequest): number {
  spec.expirationSeconds ??= DEFAULT_SECONDS;
  return spec.expirationSeconds;
}

/**
 * The request with its token; also for a dry run, as upstream. Changes `request`.
 * @throws StatusError 400, 404, 409, 422
 */
export async function issueToken(
  issuer: TokenIssuer,
  ctx: TokenRequestContext,
  request: TokenRequest,
): Promise<TokenRequest> {
  const { name, namespace } = ctx;
  const { objects } = issuer;
  const { metadata, spec } = request;
  checkMetadata(request, name, namespace);
  const account = await live(objects, 'serviceaccounts', namespace, name);
  if (metadata.uid && metadata.uid !== account.metadata.uid) {
    const problem = `the UID in the token request (${metadata.uid}) does not match the UID of the service account (${account.metadata.uid})`;
    const gate = 'TokenRequestServiceAccountUIDValidation';
    if (issuer.isEnabled(gate)) throw conflict({ group: GROUP, resource: KIND }, name, problem);
    ctx.annotate('authentication.k8s.io/token-request-uid-mismatch', problem);
    ctx.warn(`${problem} but ${gate} is not enabled. In the future, this will return a conflict error`);
  }
  if (!spec.audiences?.length) spec.audiences = [...issuer.apiAudiences];
  const requestedSeconds = defaultTokenRequest(request);
  const now = issuer.now();
  const { uid } = metadata.uid ? metadata : account.metadata;
  request.metadata = metadataInOrder({ ...metadata, name, namespace, uid, creationTimestamp: timeText(now) });
  request.status = { token: '', expirationTimestamp: null };
  checkExpiration(requestedSeconds);
  await ctx.admit?.();

  const binding = await resolveBinding(objects, ctx, spec.boundObjectRef);
  const tooLong = issuer.maxSeconds > 0 && requestedSeconds > issuer.maxSeconds;
  const seconds = tooLong ? issuer.maxSeconds : requestedSeconds;
  if (tooLong) ctx.warn(`requested expiration of ${requestedSeconds} seconds shortened to ${seconds} seconds`);
  spec.expirationSeconds = seconds;
  const extended =
    issuer.extendedSeconds > 0 &&
    binding.pod !== undefined &&
    seconds === WATCHED_SECONDS &&
    spec.audiences.every((a) => issuer.apiAudiences.includes(a));
  const id = issuer.uuid();
  const claims = boundClaims({
    issuer: issuer.issuer,
    account,
    audiences: spec.audiences,
    binding,
    expirationSeconds: extended ? issuer.extendedSeconds : seconds,
    warnAfterSeconds: extended ? seconds : 0,
    now,
    id,
  });
  try {
    request.status.token = await issuer.keys.sign(claims);
  } catch (thrown) {
    throw internalError(`failed to generate token: ${asError(thrown).message}`);
  }
  request.status.expirationTimestamp = timeText(new Date(now.getTime() + seconds * 1000));
  ctx.annotate('authentication.kubernetes.io/issued-credential-id', credentialId(id));
  return request;
}

function checkMetadata({ metadata }: TokenRequest, name: string, namespace: string): void {
  const errors: field.ErrorList = [];
  if (metadata.name && metadata.name !== name)
    errors.push(
      field.invalid(
        field.Path.of('metadata', 'name'),
        metadata.name,
        'must match the service account name if specified',
      ),
    );
  else if (metadata.namespace && metadata.namespace !== namespace)
    errors.push(
      field.invalid(
        field.Path.of('metadata', 'namespace'),
        metadata.namespace,
        'must match the service account namespace if specified',
      ),
    );
  if (errors.length > 0) throw invalid(GROUP, KIND, name, errors);
}

function checkExpiration(seconds: number): void {
  const path = field.Path.of('spec', 'expirationSeconds');
  const errors: field.ErrorList = [];
  if (seconds < MIN_SECONDS)
    errors.push(field.invalid(path, seconds, 'may not specify a duration less than 10 minutes'));
  if (seconds > MAX_SECONDS)
    errors.push(field.invalid(path, seconds, 'may not specify a duration larger than 2^32 seconds'));
  if (errors.length > 0) throw invalid(GROUP, KIND, '', errors);
}

/** @throws StatusError 400 for a kind that tokens are not bound to, 404, 409 for another uid */
async function resolveBinding(
  objects: Objects,
  { name, namespace }: TokenRequestContext,
  ref: BoundObjectReference | null | undefined,
): Promise<Binding> {
  if (!ref) return {};
  const boundName = ref.name ?? '';
  const kind = isCore(ref) ? ref.kind : '';
  switch (kind) {
    case 'Pod': {
      const pod = await live(objects, 'pods', namespace, boundName);
      if (pod.spec.serviceAccountName !== name)
        throw badRequest(
          `cannot bind token for serviceaccount ${field.quote(name)} to pod running with different serviceaccount name.`,
        );
      const nodeName = pod.spec.nodeName ?? '';
      const node = nodeName === '' ? {} : { node: await nodeReference(objects, nodeName) };
      return { pod: checked(ref, pod), ...node };
    }
    case 'Node':
      return { node: checked(ref, await live(objects, 'nodes', '', boundName)) };
    case 'Secret':
      return { secret: checked(ref, await live(objects, 'secrets', namespace, boundName)) };
    default:
      throw badRequest(`cannot bind token to object of type ${describe(ref)}`);
  }
}

/** A node that does not exist is named without uid. */
async function nodeReference(objects: Objects, name: string): Promise<{ name: string; uid?: string }> {
  const node = (await objects.get('nodes', '', name)) ?? (await objects.getLive('nodes', '', name));
  return { name, ...(node?.metadata.uid ? { uid: node.metadata.uid } : {}) };
}

function checked(ref: BoundObjectReference, { metadata }: TypedObject): { name: string; uid: string } {
  const uid = metadata.uid ?? '';
  if (ref.uid && ref.uid !== uid)
    throw conflict(
      { group: '', resource: ref.kind ?? '' },
      ref.name ?? '',
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  return { name: metadata.name ?? '', uid };
}

function isCore({ apiVersion = '' }: BoundObjectReference): boolean {
  return !apiVersion.includes('/');
}

/** `/v1, Kind=ConfigMap` */
function describe({ apiVersion = '', kind = '' }: BoundObjectReference): string {
  return `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`;
}

async function live<R extends ObjectResource & string>(
  objects: Objects,
  resource: R,
  namespace: string,
  name: string,
): Promise<ObjectTypes[R]> {
  if (name === '') throw badRequest('Name parameter required.');
  const found = await objects.getLive(resource, namespace, name);
  if (!found) throw missing(resource, name);
  return found;
}

function missing(resource: string, name: string): StatusError {
  return notFound({ group: '', resource }, name);
}

/** Whole seconds, as metav1.Time. */
function timeText(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
