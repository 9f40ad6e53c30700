/** Tokens in requests: `Authorization: Bearer` and the websocket subprotocol of browsers. */
import type { Authenticated, Authenticator, TokenAuthenticator } from './authenticator.ts';

const PROTOCOL_PREFIX = 'base64url.bearer.authorization.k8s.io.';
const BASE64URL = /^[A-Za-z0-9_-]*$/;
export const SPACE_WARNING =
  'the provided Authorization header contains extra space before the bearer token, and is ignored';

/** Where the header has a space too many; the request goes on without credentials. */
export function bearerWarning(authorization: string): string | undefined {
  const parts = authorization.trim().split(' ');
  return parts.length >= 3 && parts[0]!.toLowerCase() === 'bearer' && parts[1] === '' ? SPACE_WARNING : undefined;
}

/** @throws Error `invalid bearer token` for a token that nobody knows */
export function bearerToken(tokens: TokenAuthenticator): Authenticator {
  return async ({ headers, audiences }) => {
    const [scheme, token] = headers.first('authorization').trim().split(' ', 2);
    if (scheme?.toLowerCase() !== 'bearer' || !token) return undefined;
    return known(await tokens(token, audiences));
  };
}

/** A token in `Sec-WebSocket-Protocol`, which needs a second subprotocol for the server to choose. */
export function websocketToken(tokens: TokenAuthenticator): Authenticator {
  return async ({ headers, audiences }) => {
    if (!isWebsocket(headers.first('connection'), headers.first('upgrade'))) return undefined;
    const protocols = headers
      .all('sec-websocket-protocol')
      .flatMap((line) => line.split(','))
      .map((p) => p.trim());
    const encoded = protocols.filter((p) => p.startsWith(PROTOCOL_PREFIX)).map((p) => p.slice(PROTOCOL_PREFIX.length));
    if (encoded.length > 1) throw new Error('multiple base64.bearer.authorization tokens specified');
    const token = encoded.length === 1 ? decode(encoded[0]!) : '';
    if (token === '') return undefined;
    if (protocols.length === 1) throw new Error('missing additional subprotocol');
    return known(await tokens(token, audiences));
  };
}

/** The subprotocols without the token, for the handshake's answer and for whoever the request is passed on to. */
export function withoutTokenProtocol(protocols: readonly string[]): string[] {
  return protocols.filter((p) => !p.startsWith(PROTOCOL_PREFIX));
}

function known(found: Authenticated | undefined): Authenticated {
  if (!found) throw INVALID;
  return found;
}

/** One for all: most tokens are unknown to some authenticator before another one knows them. */
const INVALID = new Error('invalid bearer token');

function isWebsocket(connection: string, upgrade: string): boolean {
  return upgrade.toLowerCase() === 'websocket' && /(^|[\s,])upgrade($|[\s,])/i.test(connection);
}

function decode(encoded: string): string {
  if (!BASE64URL.test(encoded) || encoded.length % 4 === 1)
    throw new Error('invalid base64.bearer.authorization token encoding');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(encoded, 'base64url'));
  } catch {
    throw new Error('invalid base64.bearer.authorization token');
  }
}
