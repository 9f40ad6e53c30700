/** TokenReview and SelfSubjectReview: who is behind a token, and who am I (pkg/registry/authentication). */
import { badRequest, internalError } from '@keelson/api/errors';
import type {
  UserInfo as ReviewedUser,
  SelfSubjectReview,
  TokenReview,
} from '@keelson/api/generated/types/authentication/v1';
import { asError } from '../aggregate.ts';
import type { UserInfo } from '../registry/strategy.ts';
import { type Authenticated, type Authenticator, intersect } from './authenticator.ts';
import { HeaderValues } from './headers.ts';

export interface TokenReviewOptions {
  readonly authenticate: Authenticator;
  readonly apiAudiences: readonly string[];
  /** Validating admission. @throws StatusError */
  readonly admit: () => Promise<void>;
}

/** Fills in the status. @throws StatusError 400 without a token, 500 */
export async function reviewToken(
  review: TokenReview,
  { authenticate, apiAudiences, admit }: TokenReviewOptions,
): Promise<TokenReview> {
  const { token, audiences: wanted } = review.spec;
  if (!token) throw badRequest('token is required for TokenReview in authentication');
  await admit();
  const audiences = wanted?.length ? wanted : apiAudiences;
  let found: Authenticated | undefined;
  let error: Error | undefined;
  try {
    found = await authenticate({ headers: HeaderValues.of({ authorization: `Bearer ${token}` }), path: '', audiences });
  } catch (thrown) {
    error = asError(thrown);
  }
  if (found && audiences.length > 0 && intersect(audiences, found.audiences ?? []).length === 0)
    throw internalError('error validating audiences');
  // What the client wrote there stays where nothing is known.
  const { user = {}, audiences: said, error: _, authenticated: __, ...rest } = review.status ?? {};
  review.status = {
    ...rest,
    ...(found ? { authenticated: true } : {}),
    user: found ? reviewedUser(found.user) : user,
    ...(found ? (found.audiences?.length ? { audiences: [...found.audiences] } : {}) : said ? { audiences: said } : {}),
    ...(error ? { error: error.message } : {}),
  };
  return review;
}

/** A new object: what the client sent is not looked at. */
export function reviewSelf(user: UserInfo, now: Date): SelfSubjectReview {
  return {
    kind: 'SelfSubjectReview',
    apiVersion: 'authentication.k8s.io/v1',
    metadata: { creationTimestamp: `${now.toISOString().slice(0, 19)}Z` },
    status: { userInfo: reviewedUser(user) },
  };
}

function reviewedUser({ name, uid, groups, extra }: UserInfo): ReviewedUser {
  const entries = Object.entries(extra).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    ...(name === '' ? {} : { username: name }),
    ...(uid === '' ? {} : { uid }),
    ...(groups.length ? { groups: [...groups] } : {}),
    ...(entries.length ? { extra: Object.fromEntries(entries.map(([key, values]) => [key, [...values]])) } : {}),
  };
}
