/** Asking the server behind an APIService: as the front proxy that it trusts, in the name of a user. */
import type http from 'node:http';
import { serviceUnavailable } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { trusting } from '@keelson/component/trust';
import type { Reloadable } from '../config.ts';
import { type Backend, type BackendPool, reasonOf, requestPath, targetOf } from '../connect/backend.ts';
import type { ServingCertificate } from '../http/listener.ts';
import type { UserInfo } from '../registry/strategy.ts';
import { caBundleProblem } from '../registry/validation/cabundle.ts';
import type { ResolveService } from '../webhook/client.ts';
import { referenceOf } from './apiservice.ts';

export interface RemoteOptions {
  readonly resolve: ResolveService;
  readonly pool: BackendPool;
  /** What this server proves itself with: `--proxy-client-cert-file`. */
  readonly certificate: Reloadable<ServingCertificate> | undefined;
}

export interface Question {
  readonly path: string;
  readonly user: Pick<UserInfo, 'name' | 'groups'>;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly timeoutMs: number;
}

export interface RemoteReply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Documents of discovery and OpenAPI are some megabytes at most. */
const MAX_REPLY_BYTES = 16 * 1024 * 1024;

/** The trusted authorities of an APIService are not in a form that can be used. */
export class UnusableBundle extends Error {
  override readonly name = 'UnusableBundle';
}

export class Remote {
  readonly #options: RemoteOptions;

  constructor(options: RemoteOptions) {
    this.#options = options;
  }

  /**
   * Where requests for an APIService go now.
   * @param path decoded
   * @throws UnusableBundle; StatusError or Error where the service leads nowhere
   */
  async backend(service: APIService, path: string): Promise<Backend> {
    const { namespace, name, port } = referenceOf(service)!;
    const tls = this.#tls(service, `${name}.${namespace}.svc`);
    const address = await this.#options.resolve(namespace, name, port);
    return { scheme: 'https', host: address.host, port: String(address.port), path, query: '', tls };
  }

  #tls({ spec }: APIService, servername: string): Backend['tls'] {
    const pair = this.#options.certificate?.get();
    const { caBundle = '' } = spec;
    const problem = caBundle === '' ? undefined : caBundleProblem(caBundle);
    if (problem !== undefined) throw new UnusableBundle(problem);
    return {
      servername,
      ...(pair ? { cert: pair.cert, key: pair.key } : {}),
      ...(spec.insecureSkipTLSVerify ? { rejectUnauthorized: false } : {}),
      ...trusting(Buffer.from(caBundle, 'base64').toString('latin1')),
    };
  }

  /** GET where an APIService leads now, for this server's own use. @throws what `backend` and `askAt` do */
  async ask(service: APIService, question: Question): Promise<RemoteReply> {
    return this.askAt(await this.backend(service, question.path), question);
  }

  /** GET at a place that is known. @throws Error in Go's words when there is no reply in time */
  async askAt(backend: Backend, { user, headers, timeoutMs }: Omit<Question, 'path'>): Promise<RemoteReply> {
    const signal = AbortSignal.timeout(timeoutMs);
    const request = this.#options.pool.request(backend, {
      method: 'GET',
      headers: {
        host: targetOf(backend),
        'user-agent': USER_AGENT,
        ...headers,
        ...identityHeaders({ ...NOBODY, ...user }),
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
}

export function urlOf(backend: Backend): string {
  return `${backend.scheme}://${targetOf(backend)}${requestPath(backend)}`;
}

const USER_AGENT = 'Go-http-client/1.1';
const NOBODY: UserInfo = { name: '', uid: '', groups: [], extra: {} };

function replyTo(request: http.ClientRequest): Promise<RemoteReply> {
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
 * Who asks, for a server that believes this one (client-go/transport SetAuthProxyHeaders).
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
