/** Asking an issuer: its discovery document, its keys, the endpoints that its tokens name. Over TLS and no other way. */
import https from 'node:https';
import tls from 'node:tls';
import { quote } from '@keelson/api/field';
import { trusting } from '@keelson/component/trust';
import { type Dial, dialThrough } from '../../connect/dial.ts';
import { goErrorText } from '../../connect/goerror.ts';
import { exchange, type Reply } from '../../webhook/exchange.ts';

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 1024 * 1024;
const MAX_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export class IssuerClient {
  readonly #agent: https.Agent;

  /** @param ca PEM; empty: the system's authorities. @param dial how connections are made. Default: straight to the issuer */
  constructor(ca: string, dial?: Dial) {
    const options = { keepAlive: true, maxSockets: 8, timeout: 60_000, ...trusting(ca || systemAuthorities()) };
    this.#agent = dialThrough(new https.Agent(options), dial);
  }

  /** Follows redirections, without the headers where they lead to another server. @throws Error `Get "<url>": …` */
  async get(text: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    let url = text;
    let sent = headers;
    for (let i = 0; i <= MAX_REDIRECTS; i++) {
      const reply = await this.#get(url, sent, signal);
      const { location } = reply.headers;
      if (!REDIRECTS.has(reply.status) || location === undefined) return reply;
      const next = new URL(location, url);
      if (next.host !== new URL(url).host) sent = {};
      url = next.href;
    }
    throw new Error(`Get ${quote(url)}: stopped after ${MAX_REDIRECTS} redirects`);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #get(url: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Reply> {
    if (!URL.canParse(url) || new URL(url).protocol !== 'https:')
      throw new Error(`Get ${quote(url)}: unsupported protocol scheme, must be https`);
    try {
      const options = { agent: this.#agent, headers: { ...HEADERS, ...headers }, signal };
      return await exchange(https.request(url, options), undefined, MAX_BYTES);
    } catch (error) {
      const reason = signal.aborted ? TIMED_OUT : goErrorText(error, new URL(url).host);
      throw new Error(`Get ${quote(url)}: ${reason}`);
    }
  }
}

/** Those that the host trusts; Node's own where it knows of none. */
function systemAuthorities(): string[] | undefined {
  const found = tls.getCACertificates?.('system') ?? [];
  return found.length > 0 ? found : undefined;
}

const HEADERS = { accept: 'application/json, */*', 'user-agent': 'kube-apiserver' };
const TIMED_OUT = 'net/http: request canceled (Client.Timeout exceeded while awaiting headers)';
