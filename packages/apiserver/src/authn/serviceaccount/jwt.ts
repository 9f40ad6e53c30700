/**
 * JSON Web Tokens of service accounts: signing, and what is alike for the two kinds of them when they are read
 * (pkg/serviceaccount/jwt.go).
 */
import { quote } from '@keelson/api/field';
import { compactVerify, decodeProtectedHeader } from 'jose';
import { quoteList } from '../../authz/rbac/rules.ts';
import { type AuthenticationNotes, intersect, type TokenAuthenticator } from '../authenticator.ts';
import type { AccountTokenMetrics } from './metrics.ts';
import { type ServiceAccountIdentity, serviceAccountUser } from './names.ts';
import type { TokenKeys } from './token-keys.ts';

/** Claims of RFC 7519; times are seconds. */
export interface Claims {
  readonly iss?: string;
  readonly sub?: string;
  readonly aud?: string | readonly string[];
  readonly exp?: number;
  readonly nbf?: number;
  readonly iat?: number;
  readonly jti?: string;
  readonly [name: string]: unknown;
}

/** Clocks of client and server may differ by this. */
export const LEEWAY_SECONDS = 60;

/** In the words of upstream's library, which TokenReview passes on. */
const BAD_SIGNATURE = 'go-jose/go-jose: error in cryptographic primitive';

const ALGORITHMS = {
  rsa: ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ec: ['ES256', 'ES384', 'ES512'],
} as const;

/** What one kind of token says about its bearer. */
export interface TokenIdentity extends AuthenticationNotes {
  readonly identity: ServiceAccountIdentity;
}

/** Called with verified claims. @throws Error for a token that is no longer, or not yet, good */
export type ClaimsValidator = (claims: Claims, token: string) => Promise<TokenIdentity>;

export interface JwtOptions {
  readonly issuers: readonly string[];
  readonly keys: Pick<TokenKeys, 'find'>;
  /** Of a token without audiences, and where a request asks for none. */
  readonly apiAudiences: readonly string[];
  readonly validate: ClaimsValidator;
  readonly metrics?: AccountTokenMetrics | undefined;
}

/** Undefined for what is no token of these issuers. @throws Error, AggregateFailure */
export function jwtAuthenticator({ issuers, keys, apiAudiences, validate, metrics }: JwtOptions): TokenAuthenticator {
  return async (token, requested) => {
    if (!issuers.includes(unverifiedIssuer(token) ?? '')) return undefined;
    const claims = await verify(token, keys);
    if (claims === undefined) return undefined;
    if (!issuers.includes(claims.iss ?? '')) throw new Error(`token issuer ${quote(claims.iss ?? '')} is invalid`);

    const own = typeof claims.aud === 'string' ? [claims.aud] : (claims.aud ?? []);
    const legacy = own.length === 0;
    if (legacy) metrics?.legacy.inc();
    const wanted = requested.length > 0 ? requested : apiAudiences;
    const audiences = intersect(legacy ? apiAudiences : own, wanted);
    if (audiences.length === 0 && apiAudiences.length > 0)
      throw new Error(
        `token audiences ${quoteList(legacy ? apiAudiences : own)} is invalid for the target audiences ${quoteList(wanted)}`,
      );
    const { identity, warnings, auditAnnotations } = await validate(claims, token);
    return {
      user: serviceAccountUser(identity),
      audiences,
      ...(warnings ? { warnings } : {}),
      auditAnnotations: {
        ...(legacy ? { 'authentication.k8s.io/legacy-token': claims.sub ?? '' } : {}),
        ...auditAnnotations,
      },
    };
  };
}

function unverifiedIssuer(token: string): string | undefined {
  const parts = token.split('.');
  if (parts.length !== 3) return undefined;
  try {
    const { iss } = JSON.parse(Buffer.from(parts[1]!, 'base64url').toString()) as Claims;
    return iss;
  } catch {
    return undefined;
  }
}

/** Undefined for what is not a signed token at all. */
async function verify(token: string, keys: JwtOptions['keys']): Promise<Claims | undefined> {
  let kid: string;
  try {
    kid = decodeProtectedHeader(token).kid ?? '';
  } catch {
    return undefined;
  }
  const candidates = await keys.find(kid);
  if (candidates.length === 0) throw new Error('invalid signature, no keys found');
  for (const { key } of candidates) {
    const algorithms = [...(key.asymmetricKeyType === 'rsa' ? ALGORITHMS.rsa : ALGORITHMS.ec)];
    const verified = await compactVerify(token, key, { algorithms }).catch(() => undefined);
    if (verified) return JSON.parse(new TextDecoder().decode(verified.payload)) as Claims;
  }
  throw new Error(BAD_SIGNATURE);
}
