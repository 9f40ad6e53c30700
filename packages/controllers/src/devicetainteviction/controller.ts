/** Deletes pods that use devices with taints which their claims do not tolerate, or no longer (pkg/controller/devicetainteviction). */
import { equalValues } from '@keelson/api/codec/equality';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { ResourceClaim, ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import { type Again, hasReason, keyOf, storeKey, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { evict } from '../pods/evict.ts';
import { podInformer } from '../pods/informer.ts';
import { EvictionMetrics } from '../tainteviction/metrics.ts';
import { runQueue, workersOf } from '../work.ts';
import { evictionTime, poolId } from './tolerance.ts';

const DISRUPTION = {
  reason: 'DeletionByDeviceTaintManager',
  message: 'Device Taint manager: deleting due to NoExecute taint',
};
const POOL = 'pool';
const NAME = 'device-taint-eviction-controller';

const poolOf = ({ spec }: ResourceSlice) => [poolId(spec.driver, spec.pool.name)];
const poolsOf = ({ status }: ResourceClaim) => [
  ...new Set((status?.allocation?.devices?.results ?? []).map(({ driver, pool }) => poolId(driver, pool))),
];

/** Taints that rules set are not followed: upstream's gate of DeviceTaintRules is off. */
export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const recorder = context.recorder(NAME);
  const metrics = new EvictionMetrics(context.metrics, 'device_taint_eviction_controller');
  const queue = new WorkQueue<string>(world, 'device-taint-eviction-controller');
  const pods = podInformer(informers);
  const claims = informers.informer('resourceclaims.resource.k8s.io');
  const slices = informers.informer('resourceslices.resource.k8s.io');
  claims.addIndex(POOL, poolsOf);
  slices.addIndex(POOL, poolOf);
  const devices = {
    claim: (key: string) => claims.store.get(key),
    slices: (pool: string) => slices.store.byIndex(POOL, pool),
  };
  /** Pods whose end has been set. */
  const waiting = new Set<string>();
  const enqueue = (pod: Pod) => queue.add(storeKey(pod));

  pods.addHandler({
    added: (pod) => pod.spec.resourceClaims?.length && enqueue(pod),
    updated: (old, pod) => {
      const isSame = equalValues(old.status.resourceClaimStatuses ?? [], pod.status.resourceClaimStatuses ?? []);
      if (pod.spec.resourceClaims?.length && (old.spec.nodeName !== pod.spec.nodeName || !isSame)) enqueue(pod);
    },
    deleted: (pod) => waiting.delete(storeKey(pod)),
  });
  const enqueueUsers = ({ metadata, status }: ResourceClaim) => {
    for (const { apiGroup = '', resource, name } of status?.reservedFor ?? []) {
      if (apiGroup === '' && resource === 'pods') queue.add(`${metadata.namespace}/${name}`);
    }
  };
  claims.addHandler({
    added: enqueueUsers,
    updated: (old, claim) => {
      enqueueUsers(old);
      enqueueUsers(claim);
    },
    deleted: enqueueUsers,
  });
  const enqueuePool = (slice: ResourceSlice) => {
    for (const claim of claims.store.byIndex(POOL, poolOf(slice)[0]!)) enqueueUsers(claim);
  };
  slices.addHandler({
    added: enqueuePool,
    updated: (old, slice) => {
      if (old.metadata.resourceVersion !== slice.metadata.resourceVersion) enqueuePool(slice);
    },
    deleted: enqueuePool,
  });

  const tell = ({ metadata: { namespace, name, uid } }: Pod, message: string) => {
    const reference = { apiVersion: 'v1', kind: 'Pod', namespace: namespace!, name: name!, uid: uid! };
    recorder.event({ reference }, 'Normal', 'DeviceTaintManagerEviction', message);
  };
  const reconcile = async (key: string): Promise<Again | undefined> => {
    const pod = pods.store.get(key);
    if (!pod || pod.metadata.deletionTimestamp) {
      waiting.delete(key);
      return undefined;
    }
    const at = evictionTime(pod, devices);
    if (at === undefined) {
      if (waiting.delete(key)) tell(pod, 'Cancelling deletion');
      return undefined;
    }
    waiting.add(key);
    const afterMs = at - world.clock.now();
    if (afterMs > 0) return { afterMs };
    const live = await stillThere(pod);
    if (live && !live.metadata.deletionTimestamp) {
      tell(live, 'Marking for deletion');
      await evict(client, live, DISRUPTION);
      metrics.deleted(world.clock.now() - at);
    }
    waiting.delete(key);
    return undefined;
  };
  /** The copy may be behind: what was told to go is not told twice. */
  const stillThere = async (pod: Pod): Promise<Pod | undefined> => {
    try {
      const live = await client.resource('pods').get(keyOf(pod));
      return live.metadata.uid === pod.metadata.uid ? live : undefined;
    } catch (error) {
      if (hasReason(error, 'NotFound')) return undefined;
      throw error;
    }
  };
  const workers = workersOf(context, NAME, 8);
  return runQueue(context, { queue, informers: [pods, claims, slices], workers, reconcile });
}
