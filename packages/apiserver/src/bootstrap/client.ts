/** The server's own client: it writes through the registry like a request of system:apiserver, without the socket. */
import { randomUUID } from 'node:crypto';
import { StatusError } from '@keelson/api/errors';
import { type KubeObject, parseApiVersion, type TypedObject } from '@keelson/api/object';
import { formatTime } from '@keelson/api/time';
import { fieldManagerOf } from '../handlers/fieldmanager.ts';
import { deleteObject } from '../registry/delete.ts';
import { Pace } from '../registry/pace.ts';
import type { ServedResource } from '../registry/resource.ts';
import type { WriteRequest } from '../registry/store.ts';
import type { UserInfo } from '../registry/strategy.ts';
import type { Resources } from '../resources.ts';
import type { BootstrapClient } from './reconcile.ts';

export const API_SERVER_USER: UserInfo = {
  name: 'system:apiserver',
  uid: randomUUID(),
  groups: ['system:masters', 'system:authenticated'],
  extra: {},
};
/** Owner of the fields that the server itself writes. */
export const API_SERVER_MANAGER = 'kube-apiserver';

export class RegistryClient implements BootstrapClient {
  readonly #resources: Resources;
  readonly #now: () => Date;
  readonly #manager: string;

  /** @param manager owns the fields that are written */
  constructor(resources: Resources, now: () => Date, manager = API_SERVER_MANAGER) {
    this.#resources = resources;
    this.#now = now;
    this.#manager = manager;
  }

  /** The same for somebody else's fields. */
  managedBy(manager: string): RegistryClient {
    return new RegistryClient(this.#resources, this.#now, manager);
  }

  async get(apiVersion: string, kind: string, namespace: string, name: string): Promise<KubeObject | undefined> {
    const served = this.#served(apiVersion, kind);
    try {
      return await this.#resources.store(served.definition).get(namespace, name);
    } catch (error) {
      if (error instanceof StatusError && error.code === 404) return undefined;
      throw error;
    }
  }

  /** All objects of a kind, fresh copies. */
  async list(apiVersion: string, kind: string): Promise<KubeObject[]> {
    const store = this.#resources.store(this.#served(apiVersion, kind).definition);
    await store.cacher.fresh();
    const pace = new Pace();
    const objects: KubeObject[] = [];
    for (const cached of store.cacher.list('')) {
      objects.push(store.codec.object(cached));
      await pace.after(cached.bytes.length);
    }
    return objects;
  }

  async create(object: KubeObject): Promise<void> {
    const served = this.#served(object.apiVersion ?? '', object.kind ?? '');
    const complete = this.#complete(served, object);
    const managed = fieldManagerOf(served, '').update(undefined, complete, this.#manager, formatTime(this.#now()));
    await this.#resources.store(served.definition).create(managed, this.#request(object));
  }

  async update(object: KubeObject, subresource = ''): Promise<void> {
    const served = this.#served(object.apiVersion ?? '', object.kind ?? '');
    const view = served.definition.registration.subresources?.[subresource]?.strategy;
    await this.#resources.store(served.definition).update({
      ...this.#request(object),
      name: object.metadata.name ?? '',
      ...(view ? { view } : {}),
      transform: (live) =>
        fieldManagerOf(served, subresource).update(
          live,
          this.#complete(served, object),
          this.#manager,
          formatTime(this.#now()),
        ),
    });
  }

  /**
   * Server-side apply, by force, to what exists.
   * @param config the fields to own, with kind, apiVersion and name
   * @throws StatusError 404 when it does not exist
   */
  async apply(config: KubeObject, subresource = ''): Promise<void> {
    const served = this.#served(config.apiVersion ?? '', config.kind ?? '');
    const view = served.definition.registration.subresources?.[subresource]?.strategy;
    const fields = fieldManagerOf(served, subresource);
    await this.#resources.store(served.definition).update({
      ...this.#request(config),
      name: config.metadata.name ?? '',
      ...(view ? { view } : {}),
      transform: (live) =>
        this.#complete(served, fields.apply(live, config, this.#manager, true, formatTime(this.#now()))),
    });
  }

  /** @throws StatusError 409 when the object has changed since */
  async label(object: TypedObject, key: string, value: string): Promise<void> {
    const labels = { ...object.metadata.labels, [key]: value };
    await this.update({ ...object, metadata: { ...object.metadata, labels } });
  }

  async delete(object: KubeObject): Promise<void> {
    const served = this.#served(object.apiVersion ?? '', object.kind ?? '');
    const { uid, name = '' } = object.metadata;
    await deleteObject(this.#resources.store(served.definition), {
      ...this.#request(object),
      name,
      options: uid ? { preconditions: { uid } } : {},
    });
  }

  #complete(served: ServedResource, object: KubeObject): KubeObject {
    const complete = served.form.normalize(object);
    served.definition.registration.strategy.defaults?.(complete, served.version);
    return complete;
  }

  #request(object: KubeObject): WriteRequest {
    return {
      ctx: {
        namespace: object.metadata.namespace ?? '',
        user: API_SERVER_USER,
        now: this.#now(),
        dryRun: false,
        requestVersion: parseApiVersion(object.apiVersion ?? '').version,
      },
      warn: () => {},
    };
  }

  #served(apiVersion: string, kind: string): ServedResource {
    const { group, version } = parseApiVersion(apiVersion);
    for (const served of this.#resources.all()) {
      if (served.definition.group === group && served.version === version && served.definition.kind === kind)
        return served;
    }
    throw new Error(`${apiVersion} ${kind} is not served`);
  }
}
