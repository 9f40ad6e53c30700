/** Whether a token was signed by its issuer, is meant for us and is in force (OpenID Connect Core 1.0 §3.1.3.7). */
import type { KeyObject } from 'node:crypto';
import { quote } from '@keelson/api/field';
import { compactVerify, decodeProtectedHeader } from 'jose';
import { quoteList } from '../../authz/rbac/rules.ts';
import type { RemoteKeys } from './keys.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Those with which an issuer proves itself by a key that it alone has. */
export const SIGNING_ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'];

export interface VerifierOptions {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const NOT_BEFORE_LEEWAY_MS = 60_000;
const GOOGLE = 'https://accounts.google.com';

export class Verifier {
  readonly #keys: RemoteKeys;
  readonly #options: VerifierOptions;

  constructor(keys: RemoteKeys, options: VerifierOptions) {
    this.#keys = keys;
    this.#options = options;
  }

  /** @throws Error */
  async verify(token: string): Promise<Claims> {
    const { algorithms } = this.#options;
    const { alg = '', kid = '' } = headerOf(token);
    if (!algorithms.includes(alg))
      throw new Error(
        `oidc: id token signed with unsupported algorithm, expected ${quoteList(algorithms)} got ${quote(alg)}`,
      );
    const attempt = (key: KeyObject) =>
      compactVerify(token, key, { algorithms: [alg] }).then(
        ({ payload }) => payload,
        () => undefined,
      );
    const payload = await this.#keys.first(kid, attempt).catch((error: Error) => {
      throw new Error(`failed to verify signature: ${error.message}`);
    });
    const claims = claimsOf(payload);
    this.#check(claims);
    return claims;
  }

  #check(claims: Claims): void {
    const { issuer, audiences, now } = this.#options;
    const { iss, exp, nbf } = claims;
    if (iss !== issuer && !(issuer === GOOGLE && `https://${String(iss)}` === GOOGLE))
      throw new Error(
        `oidc: id token issued by a different provider, expected ${quote(issuer)} got ${quote(String(iss ?? ''))}`,
      );
    const own = audiencesOf(claims);
    if (!own.some((audience) => audiences.includes(audience))) {
      if (audiences.length === 1)
        throw new Error(`oidc: expected audience ${quote(audiences[0]!)} got ${quoteList(own)}`);
      throw new Error(`oidc: expected audience in ${quoteList([...audiences].sort())} got ${quoteList(own)}`);
    }
    const expiresAt = typeof exp === 'number' ? Math.trunc(exp) * 1000 : undefined;
    if (expiresAt === undefined || expiresAt < now())
      throw new Error(`oidc: token is expired (Token Expiry: ${goTime(expiresAt)})`);
    if (typeof nbf === 'number' && now() + NOT_BEFORE_LEEWAY_MS < nbf * 1000)
      throw new Error(`oidc: current time ${goTime(now())} before the nbf (not before) time: ${goTime(nbf * 1000)}`);
  }
}

function headerOf(token: string): { alg?: string | undefined; kid?: string | undefined } {
  try {
    return decodeProtectedHeader(token);
  } catch (error) {
    throw new Error(`oidc: malformed jwt: ${(error as Error).message}`);
  }
}

/** @throws Error for what is no object, and for registered claims of another type */
function claimsOf(payload: Uint8Array): Claims {
  const fail = (why: string) => new Error(`oidc: failed to unmarshal claims: ${why}`);
  let claims: unknown;
  try {
    claims = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (error) {
    throw fail((error as Error).message);
  }
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) throw fail('they are no object');
  const { aud, exp, nbf } = claims as Claims;
  const isText = (value: unknown) => typeof value === 'string';
  if (aud !== undefined && !isText(aud) && !(Array.isArray(aud) && aud.every(isText)))
    throw fail('aud must be a string or a list of strings');
  for (const time of [exp, nbf])
    if (time !== undefined && typeof time !== 'number') throw fail('a time must be a number');
  return claims as Claims;
}

function audiencesOf({ aud }: Claims): readonly string[] {
  return typeof aud === 'string' ? [aud] : ((aud ?? []) as readonly string[]);
}

/** As Go prints a time.Time. @param ms undefined: the zero time */
function goTime(ms: number | undefined): string {
  if (ms === undefined) return '0001-01-01 00:00:00 +0000 UTC';
  const [date, time] = new Date(ms).toISOString().split('T') as [string, string];
  return `${date} ${time.replace(/(\.\d*?)0*Z$/, '$1').replace(/\.$/, '')} +0000 UTC`;
}

/** Whom a token says that it is from; undefined for what is no token. Nobody has verified that. */
export function claimedIssuer(token: string): string | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const { iss } = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString()) as { iss?: unknown };
    if (iss === 'accounts.google.com') return GOOGLE;
    return typeof iss === 'string' ? iss : undefined;
  } catch {
    return undefined;
  }
}
