/** Which headers of a request are passed on. */
import type http from 'node:http';
import { withoutTokenProtocol } from '../authn/bearer.ts';
import { HeaderValues } from '../authn/headers.ts';
import type { RequestHeaderConfig } from '../config.ts';
import type { RequestContext } from '../context.ts';

/** About one connection, not about the message (RFC 9110 7.6.1, net/http/httputil). */
const HOP_BY_HOP = [
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];
/** What only this server may know: backends learn nobody's credentials. */
const CREDENTIALS = [
  'authorization',
  'impersonate-user',
  'impersonate-uid',
  'impersonate-group',
  'x-remote-user',
  'x-remote-uid',
  'x-remote-group',
];
const CREDENTIAL_PREFIXES = ['impersonate-extra-', 'x-remote-extra-'];

export interface ForwardOptions {
  readonly requestHeader?: RequestHeaderConfig | undefined;
  /** Keeps what asks for an upgrade. */
  readonly isUpgrade: boolean;
}

/** The client's headers without its credentials and without what is about its connection; with X-Forwarded-For. */
export function forwardedHeaders(ctx: RequestContext, options: ForwardOptions): http.OutgoingHttpHeaders {
  const { rawHeaders, remoteAddress: client } = ctx.exchange;
  const sent = new HeaderValues(rawHeaders);
  const dropped = droppedHeaders(sent, options);
  const prefixes = [...CREDENTIAL_PREFIXES, ...lower(options.requestHeader?.extraHeaderPrefixes)];
  const headers: Record<string, string[]> = {};
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    if (name.startsWith(':') || dropped.has(name) || prefixes.some((p) => name.startsWith(p))) continue;
    if (headers[name]) headers[name].push(rawHeaders[i + 1]!);
    else headers[name] = [rawHeaders[i + 1]!];
  }
  const authority = ctx.exchange.headers[':authority'];
  if (!headers.host && typeof authority === 'string') headers.host = [authority];
  if (options.isUpgrade) keepProtocols(headers);
  else if (/\btrailers\b/i.test(sent.first('te'))) headers.te = ['trailers'];
  if (client) headers['x-forwarded-for'] = [[...sent.all('x-forwarded-for'), withoutMapping(client)].join(', ')];
  // Node joins what stands in an array of one name only for some headers; a single value is always safe.
  return Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, v.length === 1 ? v[0] : v]));
}

function droppedHeaders(sent: HeaderValues, { isUpgrade, requestHeader }: ForwardOptions): Set<string> {
  const dropped = new Set(CREDENTIALS);
  for (const names of [requestHeader?.usernameHeaders, requestHeader?.uidHeaders, requestHeader?.groupHeaders])
    for (const name of lower(names)) dropped.add(name);
  if (isUpgrade) return dropped;
  for (const name of HOP_BY_HOP) dropped.add(name);
  for (const line of sent.all('connection')) for (const name of line.split(',')) dropped.add(name.trim().toLowerCase());
  return dropped;
}

/** A token among the websocket's subprotocols was for this server. */
function keepProtocols(headers: Record<string, string[]>): void {
  const lines = headers['sec-websocket-protocol'];
  if (!lines) return;
  const protocols = withoutTokenProtocol(lines.flatMap((line) => line.split(',')).map((p) => p.trim()));
  if (protocols.length > 0) headers['sec-websocket-protocol'] = [protocols.join(', ')];
  else delete headers['sec-websocket-protocol'];
}

/** Headers of a backend's answer that are not the client's business. */
export function answeredHeaders(answer: http.IncomingHttpHeaders): Record<string, string | string[]> {
  const dropped = new Set(HOP_BY_HOP);
  for (const name of (answer.connection ?? '').split(',')) dropped.add(name.trim().toLowerCase());
  const headers: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(answer))
    if (value !== undefined && !dropped.has(name)) headers[name] = value;
  return headers;
}

function lower(names: readonly string[] = []): string[] {
  return names.map((name) => name.toLowerCase());
}

function withoutMapping(address: string): string {
  return address.startsWith('::ffff:') ? address.slice(7) : address;
}
