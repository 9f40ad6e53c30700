/**
 * Speaking to a server that believes this one who asks: this one proves itself with the certificate of the front proxy, headers
 * name the user (client-go/transport NewAuthProxyRoundTripper).
 */
import type http from 'node:http';
import { StatusError, serviceUnavailable } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { RequestContext } from '../context.ts';
import { commonHeaders } from '../handlers/send.ts';
import { textAnswer } from '../http/answer.ts';
import type { UserInfo } from '../registry/strategy.ts';
import { type Backend, type BackendPool, reasonOf, requestPath, targetOf } from './backend.ts';
import { type ForwardExtras, type Forwarding, forward, queryOf } from './forward.ts';
import { forwardUpgrade } from './upgrade.ts';

export interface Inquiry {
  readonly user: Pick<UserInfo, 'name'> & Partial<UserInfo>;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly timeoutMs: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Documents of discovery and OpenAPI are some megabytes at most. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;
const USER_AGENT = 'Go-http-client/1.1';
const NOBODY: UserInfo = { name: '', uid: '', groups: [], extra: {} };

/** GET for this server's own use. @throws Error in Go's words when there is no reply in time */
export async function ask(pool: BackendPool, backend: Backend, inquiry: Inquiry): Promise<Reply> {
  const signal = AbortSignal.timeout(inquiry.timeoutMs);
  const request = pool.request(backend, {
    method: 'GET',
    headers: {
      host: targetOf(backend),
      'user-agent': USER_AGENT,
      ...inquiry.headers,
      ...identityHeaders({ ...NOBODY, ...inquiry.user }),
    },
  });
  const abort = () => request.destroy(new Error('Client.Timeout exceeded'));
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await replyTo(request);
  } catch (error) {
    const reason = signal.aborted
      ? 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)'
      : reasonOf(error, backend);
    throw new Error(`Get ${JSON.stringify(urlOf(backend))}: ${reason}`);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

export function urlOf(backend: Backend): string {
  return `${backend.scheme}://${targetOf(backend)}${requestPath(backend)}`;
}

function replyTo(request: http.ClientRequest): Promise<Reply> {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_REPLY_BYTES) response.destroy(new Error(`the response is larger than ${MAX_REPLY_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.end();
  });
}

/**
 * Passes a client's request on in his name, whatever protocol it asks for. Ends with the answer; what goes wrong before there is
 * one is told in plain text, as by any proxy.
 * @param target whose query is the client's own
 * @param extras headers of its own besides those that name the user, and whom they name where it is not who asks
 */
export async function passOn(
  ctx: RequestContext,
  target: Backend,
  forwarding: Forwarding,
  { user = ctx.user, ...extras }: ForwardExtras & { readonly user?: UserInfo } = {},
): Promise<void> {
  const backend = { ...target, query: queryOf(ctx.exchange.url) };
  // When a watch has begun there, nobody here would know.
  ctx.onInitialized?.();
  try {
    const headers = { ...headersFor(ctx, backend, user), ...extras.headers };
    if (ctx.exchange.upgrade) await forwardUpgrade(ctx, backend, forwarding, headers);
    else await forward(ctx, backend, forwarding, { ...extras, headers });
  } catch (error) {
    if (!(error instanceof StatusError) || ctx.exchange.headersSent) throw error;
    refuseInText(ctx, 503, error.message);
  }
}

/** Answers as proxies do, who know of no Status. */
export function refuseInText(ctx: RequestContext, code: number, text: string): void {
  const { status, headers, body } = textAnswer(code, `${text}\n`);
  ctx.exchange.respond(status, { ...commonHeaders(ctx), ...headers }, body);
}

function headersFor(ctx: RequestContext, backend: Backend, user: UserInfo): http.OutgoingHttpHeaders {
  const target = targetOf(backend);
  return {
    host: target,
    'x-forwarded-host': target,
    'x-forwarded-proto': backend.scheme,
    'audit-id': ctx.auditId,
    ...identityHeaders(user),
  };
}

/**
 * Who asks (client-go/transport SetAuthProxyHeaders).
 * @throws StatusError 503 for a user that no header can name: another one must not be meant instead
 */
export function identityHeaders(user: UserInfo): http.OutgoingHttpHeaders {
  const headers: Record<string, string[]> = { 'x-remote-user': [user.name] };
  if (user.uid !== '') headers['x-remote-uid'] = [user.uid];
  if (user.groups.length > 0) headers['x-remote-group'] = [...user.groups];
  for (const [key, values] of Object.entries(user.extra))
    if (values.length > 0) headers[`x-remote-extra-${escapeKey(key)}`] = [...values];
  return Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, values.map((value) => headerValue(name, value))]),
  );
}

/** What may not stand in a header's name, and the percent sign itself, is percent-encoded. */
function escapeKey(key: string): string {
  return [...Buffer.from(key)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      const isLegal = /[A-Za-z0-9!#$&'*+\-.^_`|~]/.test(character);
      return isLegal ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
}

/** Its bytes in UTF-8. */
function headerValue(name: string, text: string): string {
  const bytes = Buffer.from(text);
  if (!bytes.some((byte) => (byte < 0x20 && byte !== 0x09) || byte === 0x7f)) return bytes.toString('latin1');
  const asGoWritesIt = name.toLowerCase().replace(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
  const why = `net/http: invalid header field value for ${quote(asGoWritesIt)}`;
  throw serviceUnavailable(`error trying to reach service: ${why}`);
}
