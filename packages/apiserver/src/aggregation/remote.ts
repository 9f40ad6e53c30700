/** Where the server behind an APIService is, and what it says when this one asks. */
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { trusting } from '@keelson/component/trust';
import type { Reloadable } from '../config.ts';
import type { Backend, BackendPool } from '../connect/backend.ts';
import { ask, type Inquiry, type Reply } from '../connect/front-proxy.ts';
import type { ServingCertificate } from '../http/listener.ts';
import { caBundleProblem } from '../registry/validation/cabundle.ts';
import type { ResolveService } from '../webhook/client.ts';
import { referenceOf } from './apiservice.ts';

export interface RemoteOptions {
  readonly resolve: ResolveService;
  readonly pool: BackendPool;
  /** What this server proves itself with: `--proxy-client-cert-file`. */
  readonly certificate: Reloadable<ServingCertificate> | undefined;
}

export interface Question extends Inquiry {
  readonly path: string;
}

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
  async ask(service: APIService, question: Question): Promise<Reply> {
    return this.askAt(await this.backend(service, question.path), question);
  }

  /** GET at a place that is known. @throws Error in Go's words when there is no reply in time */
  askAt(backend: Backend, question: Omit<Question, 'path'>): Promise<Reply> {
    return ask(this.#options.pool, backend, question);
  }
}
