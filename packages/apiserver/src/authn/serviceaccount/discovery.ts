/** How others verify service account tokens: OpenID Connect discovery (pkg/serviceaccount/openidmetadata.go). */

import { algorithmOf, type VerificationKey } from '@keelson/component/jwt/keys';
import { type Answer, headerOf, type PathRequest } from '../../http/answer.ts';
import { checkRouteAccepts } from '../../http/negotiate.ts';
import { methodNotAllowed, resourceNotFound } from '../../router.ts';
import type { TokenKeys } from './token-keys.ts';

const OPENID_CONFIG_PATH = '/.well-known/openid-configuration';
const JWKS_PATH = '/openid/v1/jwks';

export interface Document {
  readonly contentType: string;
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

export type OpenIdDocuments = Readonly<Record<string, Document>>;

export interface OpenIdDiscovery {
  documents(): OpenIdDocuments;
  /** How long others may take them for the right ones. */
  maxAgeSeconds(): number;
}

/** The documents of one moment after the other: as the keys change. @throws Error as openIdDocuments does, at the start */
export function openIdDiscovery(
  options: Omit<OpenIdOptions, 'keys'>,
  keys: TokenKeys,
  report: (error: Error) => void,
): OpenIdDiscovery {
  const make = () => openIdDocuments({ ...options, keys: keys.published() });
  let documents = make();
  keys.onChange(() => {
    try {
      documents = make();
    } catch (error) {
      report(error as Error);
    }
  });
  return { documents: () => documents, maxAgeSeconds: () => keys.maxAgeSeconds() };
}

/** Undefined for other paths. @throws StatusError 404 below one of the two, 405, 406 */
export function serveOpenId(discovery: OpenIdDiscovery, request: PathRequest): Answer | undefined {
  const documents = discovery.documents();
  const path = Object.keys(documents).find((p) => request.path === p || request.path.startsWith(`${p}/`));
  if (path === undefined) return undefined;
  if (request.path.length > path.length + 1) throw resourceNotFound();
  if (request.method !== 'GET') throw methodNotAllowed();
  const { contentType, body } = documents[path]!;
  checkRouteAccepts(headerOf(request.headers, 'accept'), [contentType]);
  const cacheControl = `public, max-age=${discovery.maxAgeSeconds()}`;
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
    id_token_signing_alg_values_supported: [...new Set(options.keys.map(({ key }) => algorithmOf(key)))].sort(),
  };
  return {
    [OPENID_CONFIG_PATH]: document('application/json', configuration),
    [JWKS_PATH]: document('application/jwk-set+json', { keys: options.keys.map(jsonWebKey) }),
  };
}

function document(contentType: string, content: unknown): Document {
  return { contentType, body: JSON.stringify(content) };
}

function jsonWebKey({ id, key }: VerificationKey): Record<string, unknown> {
  const { kty, crv, n, e, x, y } = key.export({ format: 'jwk' });
  return { use: 'sig', kty, kid: id, ...(crv ? { crv } : {}), alg: algorithmOf(key), n, e, x, y };
}

function checkIssuer(issuer: string): void {
  if (issuer === '') throw new Error('empty issuer URL');
  const url = new URL(issuer);
  if (url.protocol !== 'https:') throw new Error(`issuer URL must use https scheme, got: ${issuer}`);
  if (url.search !== '') throw new Error(`issuer URL may not include a query, got: ${issuer}`);
  if (url.hash !== '') throw new Error(`issuer URL may not include a fragment, got: ${issuer}`);
}
