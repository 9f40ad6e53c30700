/**
 * What remote servers say of their versions in OpenAPI (kube-aggregator/pkg/controllers/openapi, openapiv3): of version 3
 * where their documents are, which clients are led to; of version 2 the document itself, to be joined to this server's.
 */
import { createHash } from 'node:crypto';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { onlyBelow, type Spec2 } from '../openapi/merge.ts';
import type { OpenApiService, RemoteDocuments } from '../openapi/service.ts';
import { isAvailable } from './apiservice.ts';
import type { Question, Remote, RemoteReply } from './remote.ts';

const TIMEOUT_MS = 60_000;
const USER = { name: 'system:aggregator', groups: [] };

export class RemoteOpenApi {
  readonly #remote: Pick<Remote, 'ask' | 'backend'>;
  readonly #openapi: OpenApiService;
  readonly #known = new Map<string, RemoteDocuments>();

  constructor(remote: Pick<Remote, 'ask' | 'backend'>, openapi: OpenApiService) {
    this.#remote = remote;
    this.#openapi = openapi;
  }

  /** What was known stays where nothing new can be had. @throws Error then: to be tried again */
  async refresh(service: APIService): Promise<void> {
    if (!isAvailable(service)) return;
    const name = service.metadata.name!;
    const index = indexOf(await this.#ask(service, '/openapi/v3'));
    const documents = { index, ...(await this.#fetch2(service, this.#known.get(name))) };
    this.#known.set(name, documents);
    this.#openapi.setRemote(name, documents);
  }

  remove({ metadata }: APIService): void {
    this.#known.delete(metadata.name!);
    this.#openapi.setRemote(metadata.name!, undefined);
  }

  async #fetch2(
    service: APIService,
    known: RemoteDocuments | undefined,
  ): Promise<Pick<RemoteDocuments, 'spec2' | 'etag' | 'priority'>> {
    const { group = '', version = '', groupPriorityMinimum: priority } = service.spec;
    const condition = known?.etag ? { 'if-none-match': known.etag } : {};
    const reply = await this.#ask(service, '/openapi/v2', { accept: 'application/json', ...condition });
    if (reply.status === 404) return { spec2: undefined, etag: '', priority };
    if (reply.status === 304 && known) return { spec2: known.spec2, etag: known.etag, priority };
    if (reply.status !== 200) throw new Error(`failed to retrieve openAPI spec, http error: ${reply.status}`);
    const etag = reply.headers.etag ?? `"${createHash('sha512').update(reply.body).digest('hex')}"`;
    const spec2 = onlyBelow(`/apis/${group}/${version}/`, specOf(reply));
    return { spec2, etag, priority };
  }

  async #ask(service: APIService, path: string, headers: Question['headers'] = {}): Promise<RemoteReply> {
    const backend = await this.#remote.backend(service, path);
    return this.#remote.ask(backend, { path, user: USER, headers, timeoutMs: TIMEOUT_MS });
  }
}

/** Old servers have no documents of version 3. */
function indexOf({ status, body }: RemoteReply): RemoteDocuments['index'] {
  if (status === 404) return new Map();
  if (status !== 200) throw new Error(`the list of OpenAPI documents cannot be had: ${status}`);
  const { paths = {} } = JSON.parse(body.toString()) as { paths?: Record<string, { serverRelativeURL?: string }> };
  return new Map(Object.entries(paths).map(([name, { serverRelativeURL = '' }]) => [name, serverRelativeURL]));
}

function specOf({ body }: RemoteReply): Spec2 {
  const { paths = {}, definitions = {}, parameters = {} } = JSON.parse(body.toString()) as Partial<Spec2>;
  return { paths, definitions, parameters };
}
