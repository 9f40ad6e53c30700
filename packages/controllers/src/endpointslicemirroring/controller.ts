/** Mirrors Endpoints of services without selectors into slices, for those who read slices alone. */
import type { Endpoints } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { TypedObject } from '@keelson/api/object';
import { hasReason, storeKey, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { MANAGED_BY, SERVICE_NAME } from '../endpointslice/plan.ts';
import { OwnWrites } from '../seen.ts';
import { MadeSlices, UNSEEN_MS } from '../services/madeslices.ts';
import { runQueue, workersOf } from '../work.ts';
import { MirrorMetrics } from './metrics.ts';
import { CAPACITY, isMirrored, leftOut, MANAGER, MAX_PER_SUBSET, plan, slicesOf, tallyOf } from './mirror.ts';

const BY_SERVICE = 'mirrored';
const byService = ({ metadata: { namespace, labels } }: EndpointSlice) =>
  labels?.[MANAGED_BY] === MANAGER && labels[SERVICE_NAME] ? [`${namespace}/${labels[SERVICE_NAME]}`] : [];

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const recorder = context.recorder('endpoint-slice-mirroring-controller');
  const metrics = new MirrorMetrics(context.metrics, CAPACITY);
  const queue = new WorkQueue<string>(world, 'endpoint_slice_mirroring');
  const endpoints = informers.informer('endpoints');
  const services = informers.informer('services');
  const slices = informers.informer('endpointslices.discovery.k8s.io');
  slices.addIndex(BY_SERVICE, byService);
  const writes = new OwnWrites();
  const made = new MadeSlices(client);
  const enqueue = (object: TypedObject) => queue.add(storeKey(object));
  for (const informer of [endpoints, services]) {
    informer.addHandler({ added: enqueue, updated: (_, object) => enqueue(object), deleted: enqueue });
  }
  const changed = (slice: EndpointSlice) => {
    for (const key of byService(slice)) {
      made.seen(key, slice.metadata.name!);
      queue.add(key);
    }
  };
  slices.addHandler({
    added: changed,
    updated: (_, slice) => changed(slice),
    deleted: (slice) => {
      writes.forget(storeKey(slice));
      changed(slice);
    },
  });
  const resource = client.resource('endpointslices.discovery.k8s.io');

  const sync = async (key: string) => {
    if (await made.isBehind(key)) return queue.addAfter(key, UNSEEN_MS);
    const own = slices.store.byIndex(BY_SERVICE, key);
    if (own.some((slice) => !writes.seenIn(slice))) return;
    const source = endpoints.store.get(key);
    const service = services.store.get(key);
    const mirrored = source && service && !service.spec.selector && isMirrored(source) ? source : undefined;
    const wanted = mirrored ? slicesOf(mirrored) : [];
    const planned = plan(wanted, own);
    if (mirrored) {
      const tally = tallyOf(wanted, own, planned);
      metrics.packing.planned(key, tally);
      metrics.mirrored(tally.updated, tellLeftOut(mirrored));
    } else metrics.packing.forget(key);
    const { create, update, delete: gone } = planned;
    for (const slice of create) {
      const { metadata } = await resource.create(slice);
      metrics.packing.wrote('create');
      if (!slices.store.get(`${metadata.namespace}/${metadata.name}`)) made.made(key, metadata.name!);
    }
    for (const slice of update) {
      writes.wrote(await resource.update(slice));
      metrics.packing.wrote('update');
    }
    for (const { metadata } of gone) {
      await resource.delete({ namespace: metadata.namespace, name: metadata.name! }).catch((error: unknown) => {
        if (!hasReason(error, 'NotFound')) throw error;
      });
      metrics.packing.wrote('delete');
    }
  };
  /** @returns how many addresses are left out */
  const tellLeftOut = (source: Endpoints): number => {
    const { all, invalid } = leftOut(source);
    if (invalid > 0) {
      const message = `Skipped ${invalid} invalid IP addresses when mirroring to EndpointSlices`;
      recorder.event(source, 'Warning', 'InvalidIPAddress', message);
    }
    if (all > invalid) {
      const most = `A max of ${MAX_PER_SUBSET} addresses can be mirrored to EndpointSlices per Endpoints subset`;
      recorder.event(source, 'Warning', 'TooManyAddressesToMirror', `${most}. ${all} addresses were skipped`);
    }
    return all;
  };
  const reconcile = async (key: string) => {
    const startedAt = world.clock.now();
    try {
      await sync(key);
    } finally {
      metrics.synced(world.clock.now() - startedAt);
    }
  };
  const workers = workersOf(context, 'endpointslice-mirroring-controller', 5);
  return runQueue(context, { queue, informers: [endpoints, services, slices], workers, reconcile });
}
