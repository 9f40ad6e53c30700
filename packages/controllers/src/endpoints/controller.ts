/** Keeps the Endpoints of services that select pods, for those who do not read slices (pkg/controller/endpoint). */
import type { Endpoints, Service } from '@keelson/api/generated/types/core/v1';
import { hasReason, storeKey, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { isNamespaceTerminating } from '../pods/control.ts';
import { podInformer } from '../pods/informer.ts';
import { OwnWrites } from '../seen.ts';
import { isHeadless, podHandler, selects } from '../services/pods.ts';
import { TriggerTimes, withTriggerTime } from '../services/triggertimes.ts';
import { sameAs } from '../status.ts';
import { runQueue, workersOf } from '../work.ts';
import { subsetsOf, truncate } from './subsets.ts';

const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const HEADLESS = 'service.kubernetes.io/headless';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
/** On objects that old leader elections locked: they have no service, and stay. */
const LEADER = 'control-plane.alpha.kubernetes.io/leader';

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const recorder = context.recorder('endpoint-controller');
  const queue = new WorkQueue<string>(world, 'endpoint');
  const services = informers.informer('services');
  const pods = podInformer(informers);
  const endpoints = informers.informer('endpoints');
  const writes = new OwnWrites();
  const triggers = new TriggerTimes();
  const enqueue = (service: Service) => queue.add(storeKey(service));
  services.addHandler({ added: enqueue, updated: (_, service) => enqueue(service), deleted: enqueue });
  pods.addHandler(podHandler(services, (key) => queue.add(key)));
  endpoints.addHandler({
    added: (object, initial) => initial && !object.metadata.annotations?.[LEADER] && queue.add(storeKey(object)),
    updated: (_, object) => queue.add(storeKey(object)),
    deleted: (object) => {
      writes.forget(storeKey(object));
      queue.add(storeKey(object));
    },
  });
  const resource = client.resource('endpoints');

  const reconcile = async (key: string) => {
    const service = services.store.get(key);
    const [namespace = '', name = ''] = key.split('/');
    const current = endpoints.store.get(key);
    if (!service) {
      triggers.forget(key);
      // Of a service that never had a selector they are somebody else's.
      if (current?.metadata.labels?.[MANAGED_BY] !== undefined) await gone(resource.delete({ namespace, name }));
      return;
    }
    if (!service.spec.selector || service.spec.type === 'ExternalName') return;
    if (current && !writes.seenIn(current)) return;
    const chosen = pods.store.list(namespace).filter(({ metadata }) => selects(service, metadata.labels));
    const trigger = triggers.next(service, chosen);
    const right = wantedOf(service, current, subsetsOf(service, chosen));
    if (current && sameAs('io.k8s.api.core.v1.Endpoints', current, right)) return;
    const annotations = withTriggerTime(right.metadata.annotations, trigger);
    const wanted = { ...right, metadata: { ...right.metadata, annotations } };
    try {
      writes.wrote(current ? await resource.update(wanted) : await resource.create(wanted));
    } catch (error) {
      if (isNamespaceTerminating(error) || hasReason(error, 'AlreadyExists')) return;
      const [reason, what] = current
        ? ['FailedToUpdateEndpoint', `Failed to update endpoint ${key}`]
        : ['FailedToCreateEndpoint', `Failed to create endpoint for service ${key}`];
      recorder.event(service, 'Warning', reason, `${what}: ${(error as Error).message}`);
      throw error;
    }
  };
  const workers = workersOf(context, 'endpoints-controller', 5);
  return runQueue(context, { queue, informers: [services, pods, endpoints], workers, reconcile });
}

function wantedOf(service: Service, current: Endpoints | undefined, all: NonNullable<Endpoints['subsets']>): Endpoints {
  const { subsets, truncated } = truncate(all);
  const { namespace = '', name = '', labels = {} } = service.metadata;
  const { [HEADLESS]: _, ...own } = labels;
  const { [OVER_CAPACITY]: __, ...annotations } = current?.metadata.annotations ?? {};
  const metadata = {
    ...(current?.metadata ?? { namespace, name }),
    labels: { ...own, ...(isHeadless(service) ? { [HEADLESS]: '' } : {}), [MANAGED_BY]: 'endpoint-controller' },
    annotations: { ...annotations, ...(truncated ? { [OVER_CAPACITY]: 'truncated' } : {}) },
  };
  return { ...current, metadata, subsets };
}

async function gone(deletion: Promise<unknown>): Promise<void> {
  await deletion.catch((error: unknown) => {
    if (!hasReason(error, 'NotFound')) throw error;
  });
}
