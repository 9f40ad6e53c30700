/** The API server of an installation, asked as its administrator. */
import type { Node } from '@keelson/api/generated/types/core/v1';
import type { ClusterRoleBinding } from '@keelson/api/generated/types/rbac/v1';
import {
  type Client,
  type ClusterConfig,
  ConnectionError,
  connect,
  type Draft,
  hasReason,
  parseKubeconfig,
  RequestTimeoutError,
  type ResourceName,
  type ResourceTypes,
  retryOnConflict,
  sleep,
  type World,
} from '@keelson/client';
import { StartupError } from '../startup-error.ts';
import { localUrl } from './configuration/endpoints.ts';
import { ADMINISTRATORS } from './kubeconfigs.ts';
import { KUBECONFIG_FILES, KUBERNETES_DIR } from './layout.ts';
import type { InstallContext } from './phase.ts';

export interface ClusterApi {
  /** @returns undefined where there is none */
  get<R extends ResourceName>(resource: R, ref: ObjectRef): Promise<ResourceTypes[R] | undefined>;
  list<R extends ResourceName>(resource: R, query: ListQuery): Promise<ResourceTypes[R][]>;
  /** Makes an object, or gives its fields these values. */
  put<R extends ResourceName>(resource: R, object: Draft<ResourceTypes[R]>): Promise<void>;
  /** Makes an object, or puts it in the place of the one that is there. */
  replace<R extends ResourceName>(resource: R, object: Draft<ResourceTypes[R]>): Promise<void>;
  /** Changes a node, once it is there. @throws StartupError where it does not come */
  changeNode(name: string, change: (node: Node) => Node): Promise<void>;
}

export interface ObjectRef {
  readonly namespace?: string;
  readonly name: string;
}

export interface ListQuery {
  readonly namespace?: string;
  readonly labelSelector?: string;
}

const FIELD_MANAGER = 'keelson';
const RETRY_MS = 500;

/**
 * An API server, as whom admin.conf names. What lets administrators do all is put there by super-admin.conf, where that is here.
 * @param server by default this machine's
 * @throws StartupError where the server does not answer, or a kubeconfig is missing
 */
export async function administratorApi(
  context: InstallContext,
  world: World,
  server = localUrl(context.configuration.init.localApiEndpoint),
): Promise<ClusterApi & { close(): void }> {
  const { kubernetesAPICall: patienceMs } = context.configuration.init.timeouts;
  const admin = await clientOf(context, 'admin', server, world);
  const api = new ClientApi(admin, patienceMs, world);
  try {
    if (await api.mayDoAll()) return api;
    if (!(await context.files.exists(KUBECONFIG_FILES['super-admin']))) {
      await api.untilMayDoAll();
      return api;
    }
    const superAdmin = await clientOf(context, 'super-admin', server, world);
    try {
      await new ClientApi(superAdmin, patienceMs, world).put(
        'clusterrolebindings.rbac.authorization.k8s.io',
        administratorsBinding,
      );
    } finally {
      superAdmin.close();
    }
    await api.untilMayDoAll();
    context.report(`[kubeconfig] the group ${ADMINISTRATORS} may do all`);
    return api;
  } catch (error) {
    api.close();
    throw error;
  }
}

/**
 * The cluster's API for those who may not need it: opened when it is first asked for, and one that only tells what it would do
 * in a dry run.
 * @param open is called once at most; its failure is that of all who ask
 */
export function apiOnDemand(
  { dryRun, report }: Pick<InstallContext, 'dryRun' | 'report'>,
  open: () => ReturnType<typeof administratorApi>,
): { api(): Promise<ClusterApi>; close(): Promise<void> } {
  let opened: ReturnType<typeof administratorApi> | undefined;
  return {
    api() {
      if (dryRun) return Promise.resolve(dryRunApi(report));
      opened ??= open();
      return opened;
    },
    close: async () => (await opened?.catch(() => undefined))?.close(),
  };
}

const administratorsBinding: Draft<ClusterRoleBinding> = {
  metadata: { name: ADMINISTRATORS },
  roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: ADMINISTRATORS }],
};

async function clientOf(
  { files, layout }: InstallContext,
  name: 'admin' | 'super-admin',
  server: string,
  world: World,
): Promise<Client> {
  const path = KUBECONFIG_FILES[name];
  const text = await files.read(path);
  if (text === undefined)
    throw new StartupError(`${layout.local(path)} is not there`, `run 'keelson init phase kubeconfig ${name}' first`);
  const config: ClusterConfig = { ...parseKubeconfig(text, KUBERNETES_DIR), server };
  return connect(config, { component: 'keelson', world });
}

class ClientApi implements ClusterApi {
  readonly #client: Client;
  readonly #patienceMs: number;
  readonly #world: World;

  constructor(client: Client, patienceMs: number, world: World) {
    this.#client = client;
    this.#patienceMs = patienceMs;
    this.#world = world;
  }

  close(): void {
    this.#client.close();
  }

  /** Whether the administrators are bound to their role. */
  mayDoAll(): Promise<boolean> {
    return this.#persistently(async () => {
      try {
        await this.#client.resource('clusterrolebindings.rbac.authorization.k8s.io').get({ name: ADMINISTRATORS });
        return true;
      } catch (error) {
        if (hasReason(error, 'Forbidden', 'NotFound')) return false;
        throw error;
      }
    });
  }

  /** Once they are bound: a server may not know yet that they are, which follows its store. */
  async untilMayDoAll(): Promise<void> {
    await this.#persistently(
      () => this.#client.resource('clusterrolebindings.rbac.authorization.k8s.io').get({ name: ADMINISTRATORS }),
      (error) => hasReason(error, 'Forbidden'),
    );
  }

  get<R extends ResourceName>(resource: R, ref: ObjectRef): Promise<ResourceTypes[R] | undefined> {
    return this.#persistently(() => this.#find(resource, ref));
  }

  list<R extends ResourceName>(resource: R, query: ListQuery): Promise<ResourceTypes[R][]> {
    return this.#persistently(async () => {
      const items: ResourceTypes[R][] = [];
      for await (const page of this.#client.resource(resource).pages(query)) items.push(...page.items);
      return items;
    });
  }

  async put<R extends ResourceName>(resource: R, object: Draft<ResourceTypes[R]>): Promise<void> {
    await this.#persistently(() => this.#client.resource(resource).apply(object, FIELD_MANAGER, { force: true }));
  }

  async replace<R extends ResourceName>(resource: R, object: Draft<ResourceTypes[R]>): Promise<void> {
    const resources = this.#client.resource(resource);
    const draft = object as { readonly metadata: ObjectRef };
    await this.#persistently(() =>
      retryOnConflict(async () => {
        const known = await this.#find(resource, draft.metadata);
        const resourceVersion = known?.metadata?.resourceVersion;
        if (resourceVersion === undefined) return resources.create(object);
        const whole = { ...draft, metadata: { ...draft.metadata, resourceVersion } };
        return resources.update(whole as unknown as ResourceTypes[R]);
      }),
    );
  }

  async changeNode(name: string, change: (node: Node) => Node): Promise<void> {
    const nodes = this.#client.resource('nodes');
    await this.#persistently(
      () => retryOnConflict(async () => nodes.update(change(await nodes.get({ name })))),
      (error) => hasReason(error, 'NotFound'),
    );
  }

  async #find<R extends ResourceName>(resource: R, ref: ObjectRef): Promise<ResourceTypes[R] | undefined> {
    try {
      return await this.#client.resource(resource).get(ref);
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  /** A server that is being started, or elects a leader, is asked again. */
  async #persistently<T>(call: () => Promise<T>, mayPass: (error: unknown) => boolean = () => false): Promise<T> {
    const { clock } = this.#world;
    const until = clock.now() + this.#patienceMs;
    for (;;) {
      try {
        return await call();
      } catch (error) {
        const isPassing =
          error instanceof ConnectionError ||
          error instanceof RequestTimeoutError ||
          hasReason(error, 'ServiceUnavailable', 'InternalError', 'Timeout', 'TooManyRequests', 'ServerTimeout') ||
          mayPass(error);
        if (!isPassing || clock.now() >= until)
          throw new StartupError(
            (error as Error).message,
            isPassing ? 'see what its log says, and run the command again' : 'see that admin.conf is of this cluster',
          );
        await sleep(clock, RETRY_MS);
      }
    }
  }
}

/** Says what would be asked for. */
function dryRunApi(report: (line: string) => void): ClusterApi {
  return {
    async get() {
      return undefined;
    },
    async list() {
      return [];
    },
    async put(resource, object) {
      const { namespace, name } = (object as { metadata?: { namespace?: string; name?: string } }).metadata ?? {};
      report(`[api] would put ${resource} ${namespace === undefined ? '' : `${namespace}/`}${name}`);
    },
    async replace(resource, object) {
      await this.put(resource, object);
    },
    async changeNode(name) {
      report(`[api] would change nodes ${name}`);
    },
  };
}
