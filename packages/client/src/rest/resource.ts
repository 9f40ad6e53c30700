/** The verbs of one resource. */
import { qualified } from '@keelson/api/errors';
import type { TokenRequest } from '@keelson/api/generated/types/authentication/v1';
import type { Scale } from '@keelson/api/generated/types/autoscaling/v1';
import type { Binding } from '@keelson/api/generated/types/core/v1';
import type * as metaV1 from '@keelson/api/generated/types/meta/v1';
import type { Eviction } from '@keelson/api/generated/types/policy/v1';
import { apiVersionOf, type TypedObject } from '@keelson/api/object';
import type { Call, CallOptions, Client } from './client.ts';
import { type Subject, statusErrorOf } from './errors.ts';
import { readLines, readList, readObject } from './json.ts';
import type { Method } from './transport.ts';

/** What a client must know of a resource. */
export interface ResourceDefinition {
  readonly group: string;
  readonly version: string;
  /** `pods` */
  readonly resource: string;
  readonly namespaced: boolean;
  /** Put on the items of lists that do not say it, as those of built-in kinds. */
  readonly kind?: string;
}

/** Names an object of a resource. */
export interface ObjectKey {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** An object as its author writes it: what the server fills in may be missing. What it must have, the server says. */
export type Draft<T> = T extends readonly (infer E)[]
  ? readonly Draft<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: Draft<T[K]> }
    : T;

type Options<T> = Omit<T, keyof metaV1.TypeMeta>;
/** What a list or a watch selects. */
export interface Selecting {
  /** All namespaces where there is none. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}
export interface ListOptions extends Selecting, CallOptions {
  readonly resourceVersion?: string | undefined;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan' | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
  /** The server's patience. */
  readonly timeoutSeconds?: number | undefined;
}
export interface WatchOptions extends Omit<ListOptions, 'limit' | 'continue'> {
  readonly allowWatchBookmarks?: boolean | undefined;
  /** First everything there is, then a bookmark with the annotation `k8s.io/initial-events-end`, then changes. */
  readonly sendInitialEvents?: boolean | undefined;
}
export type GetOptions = Options<metaV1.GetOptions> & CallOptions;
export type CreateOptions = Options<metaV1.CreateOptions> & CallOptions;
export type UpdateOptions = Options<metaV1.UpdateOptions> & CallOptions;
export type DeleteOptions = Options<metaV1.DeleteOptions> & CallOptions;
export type PatchOptions = Options<metaV1.PatchOptions> & CallOptions & { readonly subresource?: string };

export interface List<T> {
  readonly items: T[];
  readonly metadata: metaV1.ListMeta;
}

export type WatchEvent<T> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: T }
  /** Nothing but a resourceVersion, and annotations. */
  | { readonly type: 'BOOKMARK'; readonly object: T };

/** The media types of patches; `apply` needs a field manager. */
const PATCH_TYPES = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;
export type PatchType = keyof typeof PATCH_TYPES;

/** Subresources whose objects are of another kind than their resource. */
export interface SubresourceTypes {
  scale: Scale;
  binding: Binding;
  eviction: Eviction;
  token: TokenRequest;
}
type OfSubresource<T, S extends string> = S extends keyof SubresourceTypes ? SubresourceTypes[S] : T;

/** What the client wants objects and lists as (Accept); the resource's own kind where it does not say. */
export interface Form {
  readonly object?: string;
  readonly list?: string;
}

/** Of objects of any kind, their metadata alone (meta.k8s.io/v1). */
export const METADATA_ONLY: Form = {
  object: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  list: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
};

const VERBS = { GET: 'get', POST: 'post', PUT: 'put', PATCH: 'patch', DELETE: 'delete' } as const;

/**
 * Every method throws StatusError when the server refuses, ConnectionError when it cannot be reached, RequestTimeoutError,
 * or the reason of the signal.
 */
export class ResourceClient<T extends object> {
  readonly definition: ResourceDefinition;
  readonly #client: Client;
  readonly #form: Form;

  constructor(client: Client, definition: ResourceDefinition, form: Form = {}) {
    this.#client = client;
    this.definition = definition;
    this.#form = form;
  }

  get(key: ObjectKey, options: GetOptions = {}): Promise<T> {
    return this.#object('GET', key, options);
  }

  async list(options: ListOptions = {}): Promise<List<T>> {
    const { namespace, signal, timeoutMs, ...query } = options;
    const path = this.#path({ namespace });
    const subject = this.#subject('get');
    const call = { method: 'GET', path, query, signal, timeoutMs, subject, accept: this.#form.list } as const;
    const { shell, items } = await this.#client.call(call, (response) => readList(response.body));
    const typed = items as T[];
    this.#sayKind(typed, shell);
    return { items: typed, metadata: (shell.metadata ?? {}) as metaV1.ListMeta };
  }

  /** The list page by page, consistent as one. @throws StatusError 410 `Expired` when the reader takes longer than history lasts */
  async *pages(options: ListOptions = {}): AsyncGenerator<List<T>> {
    let token = options.continue;
    do {
      const page = await this.list({ limit: 500, ...options, continue: token });
      yield page;
      token = page.metadata.continue || undefined;
    } while (token !== undefined);
  }

  /**
   * Changes as they come, until the server ends the watch, the loop is left, or the signal is aborted.
   * @throws StatusError also for an error that the server tells amid the stream, such as 410 `Expired`
   */
  async *watch(options: WatchOptions = {}): AsyncGenerator<WatchEvent<T>> {
    const { namespace, signal, timeoutMs, ...query } = options;
    const body = await this.#client.call(
      {
        method: 'GET',
        path: this.#path({ namespace }),
        query: { ...query, watch: true },
        signal,
        timeoutMs,
        subject: this.#subject('get'),
        accept: this.#form.object,
        streaming: true,
      },
      async (response) => response.body,
    );
    for await (const line of readLines(body)) {
      const event = line as WatchEvent<T> | { readonly type: 'ERROR'; readonly object: unknown };
      if (event.type === 'ERROR') throw statusErrorOf(event.object) ?? new Error('the watch failed without a status');
      yield event;
    }
  }

  /** Into the namespace that the object names. */
  create(object: Draft<T>, options: CreateOptions = {}): Promise<T> {
    return this.#object('POST', { namespace: metadataOf(object).namespace }, options, { body: object });
  }

  update(object: T, options: UpdateOptions = {}): Promise<T> {
    return this.#object('PUT', keyOf(object), options, { body: object });
  }

  updateStatus(object: T, options: UpdateOptions = {}): Promise<T> {
    return this.subresource('status').update(keyOf(object), object, options);
  }

  patch(key: ObjectKey, type: PatchType, patch: unknown, options: PatchOptions = {}): Promise<T> {
    const { subresource, ...rest } = options;
    return this.#object('PATCH', key, rest, { subresource, body: patch, contentType: PATCH_TYPES[type] });
  }

  /** Server-side apply of the fields that the object has. */
  apply(object: Draft<T>, fieldManager: string, options: PatchOptions = {}): Promise<T> {
    const { group, version, kind } = this.definition;
    const whole = { apiVersion: apiVersionOf({ group, version }), kind, ...object };
    return this.patch(keyOf(object), 'apply', whole, { ...options, fieldManager });
  }

  /** @returns the object as it is left behind, or the Status that says that it is gone */
  delete(key: ObjectKey, options: DeleteOptions = {}): Promise<T | metaV1.Status> {
    const { signal, timeoutMs, ...body } = options;
    return this.#object('DELETE', key, { signal, timeoutMs }, { body: bodyOfDelete(body) });
  }

  deleteCollection(selecting: ListOptions, options: DeleteOptions = {}): Promise<unknown> {
    const { namespace, ...query } = selecting;
    const { signal, timeoutMs, ...body } = options;
    const what = { body: bodyOfDelete(body), accept: this.#form.list };
    return this.#object('DELETE', { namespace }, { ...query, signal, timeoutMs }, what);
  }

  /** `pods.subresource('binding').create(key, binding)`, `deployments.subresource('scale').get(key)` */
  subresource<S extends string>(subresource: S): Subresource<OfSubresource<T, S>> {
    type Sub = OfSubresource<T, S>;
    return {
      get: (key, options = {}) => this.#object<Sub>('GET', key, options, { subresource }),
      create: (key, body, options = {}) => this.#object<Sub>('POST', key, options, { subresource, body }),
      update: (key, body, options = {}) => this.#object<Sub>('PUT', key, options, { subresource, body }),
      patch: (key, type, body, options = {}) =>
        this.#object<Sub>('PATCH', key, options, { subresource, body, contentType: PATCH_TYPES[type] }),
    };
  }

  /** One object there and back. `options` are parameters, but for the signal and the timeout. */
  #object<R = T>(method: Method, where: Where, options: CallOptions & object, what: What = {}): Promise<R> {
    const { signal, timeoutMs, ...query } = options;
    const { subresource, contentType, accept = this.#form.object } = what;
    const body = what.body === undefined ? undefined : Buffer.from(JSON.stringify(what.body));
    const creates = method === 'POST';
    const call: Call = {
      method,
      path: this.#path(where, { subresource, creates }),
      query,
      body,
      contentType,
      accept,
      signal,
      timeoutMs,
      subject: this.#subject(VERBS[method], where.name),
    };
    return this.#client.call(call, async (response) => (await readObject(response.body)) as R);
  }

  #path(
    { namespace, name }: Where,
    { subresource, creates }: { subresource?: string | undefined; creates?: boolean } = {},
  ): string {
    const { group, version, resource, namespaced } = this.definition;
    if (namespaced && !namespace && (creates || name !== undefined)) {
      throw new Error(`${qualified({ group, resource })} are in namespaces: which one?`);
    }
    const segments = group === '' ? ['api', version] : ['apis', group, version];
    if (namespaced && namespace) segments.push('namespaces', namespace);
    segments.push(resource);
    if (name !== undefined) segments.push(name);
    if (subresource !== undefined) segments.push(subresource);
    return `/${segments.map(encodeURIComponent).join('/')}`;
  }

  #subject(verb: string, name = ''): Subject {
    const { group, resource } = this.definition;
    return { verb, group, resource, name };
  }

  #sayKind(items: readonly TypeMeta[], shell: TypeMeta): void {
    const kind = this.definition.kind ?? shell.kind?.replace(/List$/, '');
    for (const item of items) {
      if (item.kind !== undefined) continue;
      item.kind = kind;
      item.apiVersion = shell.apiVersion;
    }
  }
}

/** A part of objects with a life of its own. */
export interface Subresource<S> {
  get(key: ObjectKey, options?: GetOptions): Promise<S>;
  create(key: ObjectKey, object: Draft<S>, options?: CreateOptions): Promise<S>;
  update(key: ObjectKey, object: S, options?: UpdateOptions): Promise<S>;
  patch(key: ObjectKey, type: PatchType, patch: unknown, options?: PatchOptions): Promise<S>;
}

/** An object, or the collection in a namespace or in all. */
interface Where {
  readonly namespace?: string | undefined;
  readonly name?: string;
}

interface What {
  readonly subresource?: string | undefined;
  readonly body?: unknown;
  readonly contentType?: string;
  /** Default: as the resource's objects. */
  readonly accept?: string | undefined;
}

interface TypeMeta {
  kind?: string | undefined;
  apiVersion?: string | undefined;
}

/** @throws Error for an object without a name */
export function keyOf(object: object): ObjectKey {
  const { namespace, name } = metadataOf(object);
  if (name === undefined || name === '') throw new Error('the object has no name');
  return { namespace, name };
}

function metadataOf(object: object): metaV1.ObjectMeta {
  return (object as Partial<TypedObject>).metadata ?? {};
}

/** No body at all where nothing is asked for. */
function bodyOfDelete(options: Options<metaV1.DeleteOptions>): object | undefined {
  if (Object.keys(options).length === 0) return undefined;
  return { kind: 'DeleteOptions', apiVersion: 'v1', ...options };
}
