/**
 * Stored objects as the server's own parts read them: authentication, authorization, admission. Objects come in their
 * storage version and are shared: nobody may change one.
 */
import { qualified, StatusError } from '@keelson/api/errors';
import type {
  MutatingAdmissionPolicy,
  ValidatingAdmissionPolicy,
} from '@keelson/api/generated/types/admissionregistration/v1';
import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import type {
  Endpoints,
  LimitRange,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ResourceQuota,
  Secret,
  Service,
  ServiceAccount,
} from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { IngressClass } from '@keelson/api/generated/types/networking/v1';
import type { RuntimeClass } from '@keelson/api/generated/types/node/v1';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '@keelson/api/generated/types/rbac/v1';
import type { DeviceClass, ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import type { PriorityClass } from '@keelson/api/generated/types/scheduling/v1';
import type { CSIDriver, StorageClass, VolumeAttachment } from '@keelson/api/generated/types/storage/v1';
import type { KubeObject } from '@keelson/api/object';
import { LRUCache } from 'lru-cache';
import type { CachedObject } from './registry/cached-objects.ts';
import { Pace } from './registry/pace.ts';
import { keyOf } from './registry/resource.ts';
import type { ResourceStore } from './registry/store.ts';
import type { Resources } from './resources.ts';

/** By `resource`, or `resource.group` outside of the core group. */
export interface ObjectTypes {
  endpoints: Endpoints;
  limitranges: LimitRange;
  namespaces: Namespace;
  nodes: Node;
  persistentvolumeclaims: PersistentVolumeClaim;
  persistentvolumes: PersistentVolume;
  pods: Pod;
  resourcequotas: ResourceQuota;
  secrets: Secret;
  serviceaccounts: ServiceAccount;
  services: Service;
  'mutatingadmissionpolicies.admissionregistration.k8s.io': MutatingAdmissionPolicy;
  'validatingadmissionpolicies.admissionregistration.k8s.io': ValidatingAdmissionPolicy;
  'certificatesigningrequests.certificates.k8s.io': CertificateSigningRequest;
  'clusterrolebindings.rbac.authorization.k8s.io': ClusterRoleBinding;
  'clusterroles.rbac.authorization.k8s.io': ClusterRole;
  'csidrivers.storage.k8s.io': CSIDriver;
  'deviceclasses.resource.k8s.io': DeviceClass;
  'endpointslices.discovery.k8s.io': EndpointSlice;
  'ingressclasses.networking.k8s.io': IngressClass;
  'leases.coordination.k8s.io': Lease;
  'priorityclasses.scheduling.k8s.io': PriorityClass;
  'resourceclaims.resource.k8s.io': ResourceClaim;
  'rolebindings.rbac.authorization.k8s.io': RoleBinding;
  'roles.rbac.authorization.k8s.io': Role;
  'runtimeclasses.node.k8s.io': RuntimeClass;
  'storageclasses.storage.k8s.io': StorageClass;
  'volumeattachments.storage.k8s.io': VolumeAttachment;
}

export type ObjectResource = keyof ObjectTypes;

export interface Objects {
  /** From the watch cache, which may lag behind other servers of the cluster. @param namespace '' for cluster scope */
  get<R extends ObjectResource>(resource: R, namespace: string, name: string): Promise<ObjectTypes[R] | undefined>;
  /** From the store itself. */
  getLive<R extends ObjectResource>(resource: R, namespace: string, name: string): Promise<ObjectTypes[R] | undefined>;
  /** From the watch cache. @param namespace '' for all */
  list<R extends ObjectResource>(resource: R, namespace: string): Promise<readonly ObjectTypes[R][]>;
}

/** How many are kept in parsed form. */
const RECENT_OBJECTS = 500;

/** What the server itself has stored. A resource that is not served has no objects. */
export function storedObjects(resources: Resources): Objects {
  // Every write asks for the same few: its namespace, service account, limits, quotas.
  const recent = new LRUCache<CachedObject, KubeObject>({ max: RECENT_OBJECTS });
  const parsed = (store: ResourceStore, cached: CachedObject): KubeObject => {
    const known = recent.get(cached) ?? store.codec.object(cached);
    recent.set(cached, known);
    return known;
  };
  const stores = new Map<ObjectResource, ResourceStore | undefined>();
  const storeOf = (resource: ObjectResource): ResourceStore | undefined => {
    if (!stores.has(resource)) stores.set(resource, findStore(resources, resource));
    return stores.get(resource);
  };
  return {
    async get(resource, namespace, name) {
      const store = storeOf(resource);
      if (!store) return undefined;
      const cached = await store.storage.find(keyOf(store.definition, namespace, name), () => store.cacher.ready());
      return cached && typed(parsed(store, cached));
    },
    async getLive(resource, namespace, name) {
      try {
        return typed(await storeOf(resource)?.get(namespace, name));
      } catch (error) {
        if (error instanceof StatusError && error.code === 404) return undefined;
        throw error;
      }
    },
    async list(resource, namespace) {
      const store = storeOf(resource);
      await store?.cacher.ready();
      const pace = new Pace();
      const found: KubeObject[] = [];
      for (const cached of store?.cacher.list(namespace) ?? []) {
        found.push(parsed(store!, cached));
        await pace.after(cached.bytes.length);
      }
      return typed(found);
    },
  };
}

function findStore(resources: Resources, resource: ObjectResource): ResourceStore | undefined {
  for (const { definition } of resources.all())
    if (qualified(definition) === resource) return resources.store(definition);
  return undefined;
}

/** What lies under a resource's key is of the resource's type. */
function typed<T>(object: unknown): T {
  return object as T;
}
