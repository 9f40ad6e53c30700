/**
 * What remote servers say of their versions in OpenAPI (kube-aggregator/pkg/controllers/openapi, openapiv3): of version 3
 * where their documents are, which clients are led to; of version 2 the document itself, to be joined to this server's.
 */
import { createHash } from 'node:crypto';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { ConfigObject } from '@keelson/component/configfile';
import type { Reply } from '../connect/front-proxy.ts';
import { onlyBelow, type Spec2 } from '../openapi/merge.ts';
import type { Json } from '../openapi/schemas.ts';
import type { OpenApiService, RemoteDocuments } from '../openapi/service.ts';
import { isAvailable } from './apiservice.ts';
import type { Question, Remote } from './remote.ts';

const TIMEOUT_MS = 60_000;
const USER = { name: 'system:aggregator', groups: [] };
const NOTHING: RemoteDocuments = { index: new Map(), isOld: false, spec2: undefined, etag: '', priority: 0 };

export class RemoteOpenApi {
  readonly #remote: Pick<Remote, 'ask'>;
  readonly #openapi: Pick<OpenApiService, 'remote' | 'setRemote'>;

  constructor(remote: Pick<Remote, 'ask'>, openapi: Pick<OpenApiService, 'remote' | 'setRemote'>) {
    this.#remote = remote;
    this.#openapi = openapi;
  }

  /** What was known stays where nothing new can be had, of each version by itself. @throws Error then: to be tried again */
  async refresh(service: APIService): Promise<void> {
    if (!isAvailable(service)) return;
    const name = service.metadata.name!;
    const known = this.#openapi.remote(name) ?? NOTHING;
    const [index, spec] = await Promise.allSettled([this.#fetchIndex(service), this.#fetchSpec(service, known)]);
    this.#openapi.setRemote(name, {
      ...(index.status === 'fulfilled' ? index.value : { index: known.index, isOld: known.isOld }),
      ...(spec.status === 'fulfilled' ? spec.value : { spec2: known.spec2, etag: known.etag }),
      priority: service.spec.groupPriorityMinimum,
    });
    for (const each of [index, spec]) if (each.status === 'rejected') throw each.reason;
  }

  remove({ metadata }: APIService): void {
    this.#openapi.setRemote(metadata.name!, undefined);
  }

  async #fetchIndex(service: APIService): Promise<Pick<RemoteDocuments, 'index' | 'isOld'>> {
    const { status, body } = await this.#ask(service, '/openapi/v3');
    if (status === 404) return { index: NOTHING.index, isOld: true };
    if (status !== 200) throw new Error(`the list of OpenAPI documents cannot be had: ${status}`);
    const paths = new ConfigObject(JSON.parse(body.toString())).object('paths');
    const index = new Map(paths.names().map((name) => [name, paths.object(name).string('serverRelativeURL')]));
    return { index, isOld: false };
  }

  async #fetchSpec(
    service: APIService,
    { spec2, etag }: RemoteDocuments,
  ): Promise<Pick<RemoteDocuments, 'spec2' | 'etag'>> {
    const { group = '', version = '' } = service.spec;
    const condition = etag === '' ? {} : { 'if-none-match': etag };
    const { status, headers, body } = await this.#ask(service, '/openapi/v2', {
      accept: 'application/json',
      ...condition,
    });
    if (status === 304) return { spec2, etag };
    if (status === 404) return { spec2: undefined, etag: '' };
    if (status !== 200) throw new Error(`failed to retrieve openAPI spec, http error: ${status}`);
    return {
      spec2: onlyBelow(`/apis/${group}/${version}/`, specOf(body)),
      etag: headers.etag ?? `"${createHash('sha512').update(body).digest('hex')}"`,
    };
  }

  #ask(service: APIService, path: string, headers: Question['headers'] = {}): Promise<Reply> {
    return this.#remote.ask(service, { path, user: USER, headers, timeoutMs: TIMEOUT_MS });
  }
}

/** @throws Error for what could not be joined to the documents of others: one server's would be everybody's */
function specOf(body: Buffer): Spec2 {
  const document: unknown = JSON.parse(body.toString());
  if (!isAtMost(MAX_DEPTH, document)) throw new Error(`the OpenAPI document is deeper than ${MAX_DEPTH}`);
  const root = new ConfigObject(document);
  return {
    info: root.object('info').all(),
    securityDefinitions: partOf(root, 'securityDefinitions'),
    paths: partOf(root, 'paths'),
    definitions: partOf(root, 'definitions'),
    parameters: partOf(root, 'parameters'),
  };
}

/** Objects by name. */
function partOf(root: ConfigObject, part: string): Record<string, Json> {
  const members = root.object(part);
  return Object.fromEntries(members.names().map((name) => [name, members.object(name).all()]));
}

/** More than any schema has, and far from what the stack holds. */
const MAX_DEPTH = 500;

function isAtMost(depth: number, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return depth > 0 && Object.values(value).every((member) => isAtMost(depth - 1, member));
}
