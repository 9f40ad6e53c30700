/** Keeps the endpoint slices of services that select pods (pkg/controller/endpointslice). */
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { hasReason, storeKey, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { isNamespaceTerminating } from '../pods/control.ts';
import { podInformer } from '../pods/informer.ts';
import { OwnWrites } from '../seen.ts';
import { MadeSlices, UNSEEN_MS } from '../services/madeslices.ts';
import { podHandler, selects } from '../services/pods.ts';
import { TriggerTimes, withTriggerTime } from '../services/triggertimes.ts';
import { runQueue, workersOf } from '../work.ts';
import { SliceMetrics } from './metrics.ts';
import { MANAGED_BY, MANAGER, plan, SERVICE_NAME } from './plan.ts';
import { Spreading } from './spreading.ts';
import { isReady, wantsZones, ZONE } from './topology.ts';

const CAPACITY = 100;
const BY_SERVICE = 'service';
const byService = ({ metadata: { namespace, labels } }: EndpointSlice) =>
  labels?.[SERVICE_NAME] ? [`${namespace}/${labels[SERVICE_NAME]}`] : [];

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const recorder = context.recorder('endpoint-slice-controller');
  const queue = new WorkQueue<string>(world, 'endpoint_slice');
  const services = informers.informer('services');
  const pods = podInformer(informers);
  const nodes = informers.informer('nodes');
  const slices = informers.informer('endpointslices.discovery.k8s.io');
  slices.addIndex(BY_SERVICE, byService);
  const writes = new OwnWrites();
  const metrics = new SliceMetrics(context.metrics, CAPACITY);
  const triggers = new TriggerTimes();
  const spreading = new Spreading(nodes.store, recorder);
  const resource = client.resource('endpointslices.discovery.k8s.io');
  const made = new MadeSlices(client);
  const enqueue = (service: Service) => queue.add(storeKey(service));
  services.addHandler({ added: enqueue, updated: (_, service) => enqueue(service), deleted: enqueue });
  pods.addHandler(podHandler(services, (key) => queue.add(key)));
  const changed = (slice: EndpointSlice) => {
    if (slice.metadata.labels?.[MANAGED_BY] === MANAGER) for (const key of byService(slice)) queue.add(key);
  };
  slices.addHandler({
    added: (slice) => {
      for (const key of byService(slice)) made.seen(key, slice.metadata.name!);
      changed(slice);
    },
    updated: (_, slice) => changed(slice),
    deleted: (slice) => {
      writes.forget(storeKey(slice));
      changed(slice);
    },
  });
  const located = new Set<string>();
  const spread = () => {
    for (const key of spreading.nodesChanged()) queue.add(key);
  };
  nodes.addHandler({
    // Zones are in endpoints, and pods may have waited for their node.
    added: ({ metadata }) => {
      if (located.has(metadata.name!)) all();
      spread();
    },
    updated: (before, after) => {
      const moved = before.metadata.labels?.[ZONE] !== after.metadata.labels?.[ZONE];
      if (moved) all();
      if (moved || isReady(before.status) !== isReady(after.status)) spread();
    },
    deleted: spread,
  });
  const all = () => {
    for (const service of services.store.values()) enqueue(service);
  };

  const sync = async (key: string): Promise<'success' | 'stale' | 'error'> => {
    const service = services.store.get(key);
    if (!service) {
      metrics.forget(key);
      made.forget(key);
      triggers.forget(key);
      spreading.forget(key);
    }
    if (!service?.spec.selector || service.spec.type === 'ExternalName') return 'success';
    // A copy that lags behind would have this controller undo what it did.
    if (await made.isBehind(key)) {
      queue.addAfter(key, UNSEEN_MS);
      return 'stale';
    }
    const { namespace } = service.metadata;
    const own = slices.store
      .byIndex(BY_SERVICE, key)
      .filter(({ metadata }) => metadata.labels?.[MANAGED_BY] === MANAGER);
    if (own.some((slice) => !writes.seenIn(slice))) return 'stale';
    const chosen = pods.store.list(namespace).filter(({ metadata }) => selects(service, metadata.labels));
    const trigger = triggers.next(service, chosen);
    const node = (name: string) => nodes.store.get(name);
    const wanted = plan({ service, pods: chosen, slices: own, node, ratios: spreading.ratios }, CAPACITY);
    const tallies = [...wanted.tallies.values()];
    for (const tally of tallies) metrics.packing.planned(key, tally);
    const dated = (slice: EndpointSlice): EndpointSlice => {
      const annotations = withTriggerTime(slice.metadata.annotations, trigger);
      return { ...slice, metadata: { ...slice.metadata, annotations } };
    };
    try {
      const isLeaving = service.metadata.deletionTimestamp !== undefined;
      for (const slice of isLeaving ? [] : wanted.create) {
        const { metadata } = await resource.create(dated(slice));
        metrics.packing.wrote('create');
        if (slices.store.get(`${namespace}/${metadata.name}`)) continue;
        made.made(key, metadata.name!);
      }
      for (const slice of wanted.update) {
        writes.wrote(await resource.update(dated(slice)));
        metrics.packing.wrote('update');
      }
      for (const { metadata } of wanted.delete) {
        await resource.delete({ namespace, name: metadata.name! }).catch((error: unknown) => {
          if (!hasReason(error, 'NotFound')) throw error;
        });
        metrics.packing.wrote('delete');
      }
    } catch (error) {
      if (isNamespaceTerminating(error)) return 'success';
      const message = `Error updating Endpoint Slices for Service ${key}: ${(error as Error).message}`;
      recorder.event(service, 'Warning', 'FailedToUpdateEndpointSlices', message);
      throw error;
    }
    const isSpread = wantsZones(service);
    const changed = tallies.map((tally) => tally.changed);
    metrics.changed(key, changed, isSpread, isSpread ? undefined : service.spec.trafficDistribution);
    spreading.tell(service, wanted.spread);
    for (const name of wanted.homeless) located.add(pods.store.get(`${namespace}/${name}`)?.spec.nodeName ?? '');
    return wanted.homeless.length > 0 ? 'error' : 'success';
  };
  const reconcile = async (key: string) => {
    let result: Awaited<ReturnType<typeof sync>> = 'error';
    try {
      result = await sync(key);
    } finally {
      metrics.synced(result);
    }
  };
  const workers = workersOf(context, 'endpointslice-controller', 5);
  return runQueue(context, { queue, informers: [services, pods, nodes, slices], workers, reconcile });
}
