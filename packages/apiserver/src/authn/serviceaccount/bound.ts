/**
 * Tokens of the TokenRequest API: bound to an audience, a time, and perhaps to a pod, secret or node that must still be
 * there (pkg/serviceaccount/claims.go).
 */
import { notFound } from '@keelson/api/errors';
import type { ServiceAccount } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import type { Objects, ObjectTypes } from '../../objects.ts';
import { type Claims, type ClaimsValidator, LEEWAY_SECONDS } from './jwt.ts';
import type { AccountTokenMetrics } from './metrics.ts';
import { serviceAccountUsername } from './names.ts';

interface Reference {
  readonly name?: string;
  readonly uid?: string;
}

export interface KubernetesClaim {
  readonly namespace?: string;
  readonly serviceaccount?: Reference;
  readonly pod?: Reference;
  readonly secret?: Reference;
  readonly node?: Reference;
  /** Seconds; from then on the token should have been renewed. */
  readonly warnafter?: number;
}

/** The claim's name; its value is a KubernetesClaim. */
const KUBERNETES_CLAIM = 'kubernetes.io';

/** What a token is bound to. A pod's node goes along with it. */
export interface Binding {
  readonly pod?: Reference;
  readonly secret?: Reference;
  readonly node?: Reference;
}

export interface BoundClaimsRequest {
  readonly issuer: string;
  readonly account: ServiceAccount;
  readonly audiences: readonly string[];
  readonly binding: Binding;
  readonly expirationSeconds: number;
  /** 0: never. */
  readonly warnAfterSeconds: number;
  readonly now: Date;
  readonly id: string;
}

/** What a token says that is bound to an audience and a time (pkg/serviceaccount/claims.go). */
export function boundClaims(request: BoundClaimsRequest): Claims {
  const { name = '', namespace = '', uid = '' } = request.account.metadata;
  const now = Math.floor(request.now.getTime() / 1000);
  const claim: KubernetesClaim = {
    namespace,
    serviceaccount: { name, uid },
    ...request.binding,
    ...(request.warnAfterSeconds > 0 ? { warnafter: now + request.warnAfterSeconds } : {}),
  };
  return {
    iss: request.issuer,
    sub: serviceAccountUsername(namespace, name),
    aud: request.audiences,
    iat: now,
    nbf: now,
    exp: now + request.expirationSeconds,
    jti: request.id,
    [KUBERNETES_CLAIM]: claim,
  };
}

/** How audit and users' extra name a token. */
export function credentialId(jti: string): string {
  return `JTI=${jti}`;
}

/** Looks every object up that the token names. */
export function boundTokenValidator(
  objects: Objects,
  now: () => number,
  metrics?: AccountTokenMetrics,
): ClaimsValidator {
  const find = async <R extends keyof ObjectTypes>(resource: R, namespace: string, name: string) =>
    (await objects.get(resource, namespace, name)) ?? (await objects.getLive(resource, namespace, name));

  return async (claims) => {
    checkTimes(claims, now());
    const { namespace = '', serviceaccount = {}, secret, pod, node, warnafter } = claimOf(claims);
    const { name = '', uid = '' } = serviceaccount;
    const deletedBefore = now() - LEEWAY_SECONDS * 1000;
    const account = await find('serviceaccounts', namespace, name);
    if (!account) throw notFound({ group: '', resource: 'serviceaccounts' }, name);
    if (account.metadata.uid !== uid)
      throw new Error(`service account UID (${account.metadata.uid}) does not match claim (${uid})`);
    if (isDeleted(account, deletedBefore)) throw new Error(`service account ${namespace}/${name} has been deleted`);

    const bound = (what: string, found: TypedObject | undefined, reference: Reference): void => {
      if (!found) throw new Error('service account token has been invalidated');
      if (found.metadata.uid !== (reference.uid ?? ''))
        throw new Error(
          `${what} UID (${found.metadata.uid}) does not match service account ${what} ref claim (${reference.uid ?? ''})`,
        );
      if (isDeleted(found, deletedBefore)) throw new Error('service account token has been invalidated');
    };
    if (secret) bound('secret', await find('secrets', namespace, secret.name ?? ''), secret);
    if (pod) bound('pod', await find('pods', namespace, pod.name ?? ''), pod);
    else if (node) bound('node', await find('nodes', '', node.name ?? ''), node);

    const late = warnafter !== undefined && warnafter !== 0 ? Math.floor(now() / 1000) - warnafter : 0;
    if (warnafter) (late > 0 ? metrics?.stale : metrics?.valid)?.inc();
    const stale = `subject: ${claims.sub ?? ''}, seconds after warning threshold: ${late}`;
    return {
      identity: {
        namespace,
        name,
        uid,
        ...(pod ? { pod: { name: pod.name ?? '', uid: pod.uid ?? '' } } : {}),
        ...(node ? { node: { name: node.name ?? '', uid: node.uid ?? '' } } : {}),
        ...(claims.jti ? { credentialId: credentialId(claims.jti) } : {}),
      },
      ...(late > 0 ? { auditAnnotations: { 'authentication.k8s.io/stale-token': stale } } : {}),
    };
  };
}

/** @param now milliseconds */
function checkTimes({ exp, nbf, iat }: Claims, now: number): void {
  const seconds = now / 1000;
  if (nbf !== undefined && seconds + LEEWAY_SECONDS < nbf) throw new Error('service account token is not valid yet');
  if (exp !== undefined && seconds - LEEWAY_SECONDS > exp) throw new Error('service account token has expired');
  if (iat !== undefined && seconds + LEEWAY_SECONDS < iat)
    throw new Error('service account token is issued in the future');
}

function claimOf(claims: Claims): KubernetesClaim {
  const claim = claims[KUBERNETES_CLAIM];
  return claim !== null && typeof claim === 'object' ? (claim as KubernetesClaim) : {};
}

function isDeleted({ metadata }: TypedObject, before: number): boolean {
  return metadata.deletionTimestamp !== undefined && Date.parse(metadata.deletionTimestamp as string) < before;
}
