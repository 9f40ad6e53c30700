/** How others verify service account tokens: OpenID Connect discovery (pkg/serviceaccount/openidmetadata.go). */

import type { VerificationKey } from '@keelson/component/jwt/keys';
import { type Answer, headerOf, type PathRequest } from '../../http/answer.ts';
import { checkRouteAccepts } from '../../http/negotiate.ts';
import { methodNotAllowed, resourceNotFound } from '../../router.ts';

export const OPENID_CONFIG_PATH = '/.well-known/openid-configuration';
export const JWKS_PATH = '/openid/v1/jwks';

export interface Document {
  readonly contentType: string;
  readonly cacheControl: string;
  readonly body: string;
}

export interface OpenIdOptions {
  readonly issuer: string;
  /** `--service-account-jwks-uri`; empty: the server's own address. */
  readonly jwksUri: string;
  /** Host and perhaps port by which clients reach the server. */
  readonly externalAddress: string;
  readonly keys: readonly VerificationKey[];
}

const CACHE_CONTROL = 'public, max-age=3600';

export type OpenIdDocuments = Readonly<Record<string, Document>>;

/** Undefined for other paths. @throws StatusError 404 below one of the two, 405, 406 */
export function serveOpenId(documents: OpenIdDocuments, request: PathRequest): Answer | undefined {
  const path = Object.keys(documents).find((p) => request.path === p || request.path.startsWith(`${p}/`));
  if (path === undefined) return undefined;
  if (request.path.length > path.length + 1) throw resourceNotFound();
  if (request.method !== 'GET') throw methodNotAllowed();
  const { contentType, cacheControl, body } = documents[path]!;
  checkRouteAccepts(headerOf(request.headers, 'accept'), [contentType]);
  return { status: 200, headers: { 'content-type': contentType, 'cache-control': cacheControl }, body };
}

/**
 * The two documents by their path.
 * @throws Error for an issuer or JWKS address that OpenID does not allow; the paths are then not served
 */
export function openIdDocuments(options: OpenIdOptions): OpenIdDocuments {
  checkIssuer(options.issuer);
  if (options.keys.length === 0) throw new Error('no keys provided for validating keyset');
  const jwksUri = options.jwksUri || `https://${options.externalAddress}${JWKS_PATH}`;
  if (!jwksUri.startsWith('https:')) throw new Error(`jwksURI requires https scheme, parsed as: ${jwksUri}`);
  const configuration = {
    issuer: options.issuer,
    jwks_uri: jwksUri,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(options.keys.map((k) => k.algorithm))].sort(),
  };
  return {
    [OPENID_CONFIG_PATH]: document('application/json', configuration),
    [JWKS_PATH]: document('application/jwk-set+json', { keys: options.keys.map(jsonWebKey) }),
  };
}

function document(contentType: string, content: unknown): Document {
  return { contentType, cacheControl: CACHE_CONTROL, body: JSON.stringify(content) };
}

function jsonWebKey({ id, key, algorithm }: VerificationKey): Record<string, unknown> {
  const { kty, crv, n, e, x, y } = key.export({ format: 'jwk' });
  return { use: 'sig', kty, kid: id, ...(crv ? { crv } : {}), alg: algorithm, n, e, x, y };
}

function checkIssuer(issuer: string): void {
  if (issuer === '') throw new Error('empty issuer URL');
  const url = new URL(issuer);
  if (url.protocol !== 'https:') throw new Error(`issuer URL must use https scheme, got: ${issuer}`);
  if (url.search !== '') throw new Error(`issuer URL may not include a query, got: ${issuer}`);
  if (url.hash !== '') throw new Error(`issuer URL may not include a fragment, got: ${issuer}`);
}
