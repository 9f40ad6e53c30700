/**
 * Who is asking: the interface of every authenticator and the ways to combine them
 * (k8s.io/apiserver/pkg/authentication/{authenticator,request/union,group}).
 */
import type { X509Certificate } from 'node:crypto';
import { type AggregateFailure, aggregate, asError } from '../aggregate.ts';
import type { UserInfo } from '../registry/strategy.ts';
import type { HeaderValues } from './headers.ts';

/** The client's side of the TLS handshake. */
export interface PeerCertificates {
  /** What the client sent, its own certificate first. */
  readonly chain: readonly X509Certificate[];
  /** Whether the TLS layer found a valid chain for client authentication to any configured CA. */
  readonly verified: boolean;
  /** Why not. */
  readonly error?: string;
}

export interface AuthenticationRequest {
  readonly headers: HeaderValues;
  /** Decoded path of the request. */
  readonly path: string;
  readonly peer?: PeerCertificates;
  /** The audiences one of which a token must be meant for; empty: any. */
  readonly audiences: readonly string[];
}

/** What may be told about a token besides whose it is: it goes to the client and to the audit log. */
export interface AuthenticationNotes {
  readonly warnings?: readonly string[];
  readonly auditAnnotations?: Readonly<Record<string, string>>;
}

export interface Authenticated extends AuthenticationNotes {
  readonly user: UserInfo;
  /** The requested audiences that the credential is meant for; absent: the authenticator knows no audiences. */
  readonly audiences?: readonly string[];
}

/** Undefined: no credential of this kind, somebody else may know. @throws Error when the credential is bad. */
export type Authenticator = (request: AuthenticationRequest) => Promise<Authenticated | undefined>;
export type TokenAuthenticator = (token: string, audiences: readonly string[]) => Promise<Authenticated | undefined>;

export const ANONYMOUS = 'system:anonymous';
export const ALL_AUTHENTICATED = 'system:authenticated';
export const ALL_UNAUTHENTICATED = 'system:unauthenticated';
export const SYSTEM_MASTERS = 'system:masters';
export const NODES_GROUP = 'system:nodes';
export const CREDENTIAL_ID = 'authentication.kubernetes.io/credential-id';

/**
 * The first that knows the caller. Errors are remembered and thrown together when nobody does.
 * @throws AggregateFailure
 */
export function firstOf<Args extends unknown[]>(
  authenticators: readonly ((...args: Args) => Promise<Authenticated | undefined>)[],
): (...args: Args) => Promise<Authenticated | undefined> {
  return async (...args) => {
    const errors: Error[] = [];
    for (const authenticate of authenticators) {
      try {
        const found = await authenticate(...args);
        if (found) return found;
      } catch (thrown) {
        errors.push(asError(thrown));
      }
    }
    const failure: AggregateFailure | undefined = aggregate(errors);
    if (failure) throw failure;
    return undefined;
  };
}

/** The second is asked only when the first has no opinion; an error of the first stands. */
export function orElse(first: Authenticator, second: Authenticator): Authenticator {
  return async (request) => (await first(request)) ?? (await second(request));
}

/** Adds `system:authenticated` to everybody but the anonymous. */
export function withAuthenticatedGroup(inner: Authenticator): Authenticator {
  return async (request) => {
    const found = await inner(request);
    if (found === undefined || isAnonymousOrGrouped(found.user)) return found;
    return { ...found, user: { ...found.user, groups: [...found.user.groups, ALL_AUTHENTICATED] } };
  };
}

function isAnonymousOrGrouped(user: UserInfo): boolean {
  return (
    user.name === ANONYMOUS || user.groups.includes(ALL_AUTHENTICATED) || user.groups.includes(ALL_UNAUTHENTICATED)
  );
}

/** A token kind that knows no audiences is good for the API server's own ones. */
export function forApiAudiences(apiAudiences: readonly string[], inner: TokenAuthenticator): TokenAuthenticator {
  return async (token, requested) => {
    if (requested.length === 0) return inner(token, requested);
    const audiences = intersect(apiAudiences, requested);
    if (audiences.length === 0) return undefined;
    const found = await inner(token, requested);
    return found && { ...found, audiences };
  };
}

export function intersect(a: readonly string[], b: readonly string[]): string[] {
  return a.filter((x) => b.includes(x));
}

/** `--anonymous-auth`, restricted to some paths where the authentication configuration says so. */
export function anonymous(paths: readonly string[] = []): Authenticator {
  const user: UserInfo = { name: ANONYMOUS, uid: '', groups: [ALL_UNAUTHENTICATED], extra: {} };
  return async ({ path, audiences }) =>
    paths.length > 0 && !paths.includes(path) ? undefined : { user, ...(audiences.length ? { audiences } : {}) };
}
