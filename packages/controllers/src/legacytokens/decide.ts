/** Which tokens in secrets nobody uses any more (pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go). */
import type { Secret, ServiceAccount } from '@keelson/api/generated/types/core/v1';
import { millisOf } from '@keelson/api/time';

export const TYPE = 'kubernetes.io/service-account-token';
export const INVALID_SINCE = 'kubernetes.io/legacy-token-invalid-since';
const LAST_USED = 'kubernetes.io/legacy-token-last-used';
const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';
const DAY_MS = 24 * 60 * 60 * 1000;

/** Around a secret. */
export interface Surroundings {
  account(key: string): ServiceAccount | undefined;
  /** Whether a pod of its namespace names it. */
  isMounted(secret: Secret): boolean;
}

/** `2026-01-31`, in UTC. */
export function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** @returns whether uses have been recorded for so long that one would have been seen. @throws Error for what is no date */
export function isTrackedSince(since: string | undefined, now: number, periodMs: number): boolean {
  if (since === undefined) throw new Error('configMap does not have since label');
  if (!isDate(since)) throw new Error(`error parsing trackedSince time: ${since}`);
  return now >= Date.parse(since) + DAY_MS + periodMs;
}

/** A token that was made by itself, and not used for so long, is first called invalid, and deleted when that much time has passed again. */
export function fateOf(
  secret: Secret,
  now: number,
  periodMs: number,
  around: Surroundings,
): 'invalidate' | 'delete' | undefined {
  const { creationTimestamp, deletionTimestamp, labels = {} } = secret.metadata;
  const edge = now - periodMs;
  if (secret.type !== TYPE || deletionTimestamp) return undefined;
  if (creationTimestamp && millisOf(creationTimestamp) >= edge) return undefined;
  const lastUsed = labels[LAST_USED];
  if (lastUsed !== undefined && (!isDate(lastUsed) || lastUsed >= dateOf(edge))) return undefined;
  if (!isGenerated(secret, around) || around.isMounted(secret)) return undefined;
  const invalidSince = labels[INVALID_SINCE];
  if (!isDate(invalidSince)) return 'invalidate';
  return invalidSince >= dateOf(edge) ? undefined : 'delete';
}

/** Accounts name the secrets that were made for them. */
function isGenerated({ metadata }: Secret, { account }: Surroundings): boolean {
  const { namespace, name, annotations = {} } = metadata;
  const found = annotations[NAME] ? account(`${namespace}/${annotations[NAME]}`) : undefined;
  if (!found || (annotations[UID] && annotations[UID] !== found.metadata.uid)) return false;
  return found.secrets?.some((reference) => reference.name === name) ?? false;
}

function isDate(text: string | undefined): text is string {
  if (text === undefined || !/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && dateOf(ms) === text;
}
