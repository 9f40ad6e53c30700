/** Mirrors Endpoints of services without selectors into slices, for those who read slices alone. */
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { TypedObject } from '@keelson/api/object';
import { hasReason, storeKey, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { MANAGED_BY, SERVICE_NAME } from '../endpointslice/plan.ts';
import { OwnWrites } from '../seen.ts';
import { runQueue, workersOf } from '../work.ts';
import { isMirrored, MANAGER, plan, slicesOf } from './mirror.ts';

const BY_SERVICE = 'mirrored';
const byService = ({ metadata: { namespace, labels } }: EndpointSlice) =>
  labels?.[MANAGED_BY] === MANAGER && labels[SERVICE_NAME] ? [`${namespace}/${labels[SERVICE_NAME]}`] : [];

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'endpoint_slice_mirroring');
  const endpoints = informers.informer('endpoints');
  const services = informers.informer('services');
  const slices = informers.informer('endpointslices.discovery.k8s.io');
  slices.addIndex(BY_SERVICE, byService);
  const writes = new OwnWrites();
  const made = new Map<string, Set<string>>();
  const enqueue = (object: TypedObject) => queue.add(storeKey(object));
  for (const informer of [endpoints, services]) {
    informer.addHandler({ added: enqueue, updated: (_, object) => enqueue(object), deleted: enqueue });
  }
  const changed = (slice: EndpointSlice) => {
    for (const key of byService(slice)) {
      made.get(key)?.delete(slice.metadata.name!);
      queue.add(key);
    }
  };
  slices.addHandler({ added: changed, updated: (_, slice) => changed(slice), deleted: (slice) => changed(slice) });
  const resource = client.resource('endpointslices.discovery.k8s.io');

  const reconcile = async (key: string) => {
    const own = slices.store.byIndex(BY_SERVICE, key);
    if ((made.get(key)?.size ?? 0) > 0 || own.some((slice) => !writes.seenIn(slice))) return;
    const source = endpoints.store.get(key);
    const service = services.store.get(key);
    const wanted = source && service && !service.spec.selector && isMirrored(source) ? slicesOf(source) : [];
    const { create, update, delete: gone } = plan(wanted, own);
    for (const slice of create) {
      const { metadata } = await resource.create(slice);
      if (!slices.store.get(`${metadata.namespace}/${metadata.name}`))
        made.set(key, (made.get(key) ?? new Set()).add(metadata.name!));
    }
    for (const slice of update) writes.wrote(await resource.update(slice));
    for (const { metadata } of gone) {
      await resource.delete({ namespace: metadata.namespace, name: metadata.name! }).catch((error: unknown) => {
        if (!hasReason(error, 'NotFound')) throw error;
      });
    }
  };
  const workers = workersOf(context, 'endpointslice-mirroring-controller', 5);
  return runQueue(context, { queue, informers: [endpoints, services, slices], workers, reconcile });
}
