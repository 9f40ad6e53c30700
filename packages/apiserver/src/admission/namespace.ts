/** NamespaceLifecycle, NamespaceExists and NamespaceAutoProvision: nothing is made where there is no namespace. */
import { forbidden, hasReason, internalError, notFound, StatusError } from '@keelson/api/errors';
import type { Namespace } from '@keelson/api/generated/types/core/v1';
import { LRUCache } from 'lru-cache';
import {
  type AdmissionAttributes,
  type AdmissionPlugin,
  type AdmissionWorld,
  isNamespace,
  refuse,
  unaskable,
} from './plugin.ts';

const IMMORTAL = new Set(['default', 'kube-system', 'kube-public']);
const NAMESPACES = { group: '', resource: 'namespaces' };
/** For as long the cache is not trusted about a namespace whose deletion went through here. */
const RECENTLY_DELETED_MS = 30_000;
const RECENTLY_DELETED_MAX = 100;
/** The time that a cache fed by another server's write is given. */
const MISSING_WAIT_MS = 50;

/** Says nothing about whether the namespace exists to whoever may ask. */
const ACCESS_REVIEWS = 'localsubjectaccessreviews.authorization.k8s.io';

export function namespaceLifecycle({ objects, wait, now }: AdmissionWorld): AdmissionPlugin {
  const recentlyDeleted = new LRUCache<string, true>({
    max: RECENTLY_DELETED_MAX,
    ttl: RECENTLY_DELETED_MS,
    ttlResolution: 0,
    perf: { now: () => now().getTime() },
  });

  async function find({ namespace: name, operation }: AdmissionAttributes): Promise<Namespace> {
    let cached = await objects.get('namespaces', '', name);
    if (!cached && operation === 'CREATE') {
      await wait(MISSING_WAIT_MS);
      cached = await objects.get('namespaces', '', name);
    }
    const problem = cached ? undefined : unaskable(name);
    if (problem) throw internalError(problem);
    const doubtful = recentlyDeleted.has(name) && cached?.status?.phase === 'Active';
    const found = cached && !doubtful ? cached : await objects.getLive('namespaces', '', name);
    if (!found) throw notFound(NAMESPACES, name);
    return found;
  }

  return {
    name: 'NamespaceLifecycle',
    handles: (operation, resource) => operation !== 'CONNECT' && resource !== ACCESS_REVIEWS,
    async mutate(a) {
      if (isNamespace(a)) {
        if (a.operation !== 'DELETE') return;
        if (IMMORTAL.has(a.name)) throw forbidden(a.resource, a.name, 'this namespace may not be deleted');
        recentlyDeleted.set(a.name, true);
        return;
      }
      if (a.namespace === '' || a.operation === 'DELETE') return;
      const namespace = await find(a);
      if (a.operation === 'CREATE' && namespace.status?.phase === 'Terminating') throw terminating(a);
    },
  };
}

function terminating(a: AdmissionAttributes): StatusError {
  const message = `unable to create new content in namespace ${a.namespace} because it is being terminated`;
  const refusal = refuse(a, message);
  const cause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${a.namespace} is being terminated`,
    field: 'metadata.namespace',
  };
  return new StatusError(refusal.code, refusal.reason, refusal.message, { ...refusal.details, causes: [cause] });
}

/** Off by default: NamespaceLifecycle does it too. */
export function namespaceExists({ objects }: AdmissionWorld): AdmissionPlugin {
  return {
    name: 'NamespaceExists',
    handles: (operation) => operation !== 'CONNECT',
    async validate(a) {
      if (a.namespace === '' || isNamespace(a)) return;
      const found =
        (await objects.get('namespaces', '', a.namespace)) ?? (await objects.getLive('namespaces', '', a.namespace));
      if (!found) throw notFound(NAMESPACES, a.namespace);
    },
  };
}

/** Off by default: makes the namespace that something is created in. */
export function namespaceAutoProvision({ objects, createNamespace }: AdmissionWorld): AdmissionPlugin {
  return {
    name: 'NamespaceAutoProvision',
    handles: (operation) => operation === 'CREATE',
    async mutate(a) {
      if (a.dryRun || a.namespace === '' || isNamespace(a)) return;
      if (await objects.get('namespaces', '', a.namespace)) return;
      try {
        await createNamespace(a.namespace);
      } catch (error) {
        if (!hasReason(error, 'AlreadyExists')) throw refuse(a, error as Error);
      }
    },
  };
}
