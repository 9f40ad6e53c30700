/** Deletes pods from nodes with taints that they do not tolerate, or no longer (pkg/controller/tainteviction). */
import type { Node } from '@keelson/api/generated/types/core/v1';
import { type Again, storeKey, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { evict } from '../pods/evict.ts';
import { indexByNode, podInformer, podsOn } from '../pods/informer.ts';
import { runQueue } from '../work.ts';
import { EvictionMetrics } from './metrics.ts';
import { toleranceSeconds } from './tolerance.ts';

const CONDITION = {
  reason: 'DeletionByTaintManager',
  message: 'Taint manager: deleting due to NoExecute taint',
};

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const recorder = context.recorder('taint-eviction-controller');
  const queue = new WorkQueue<string>(world, 'noexec_taint_node');
  const metrics = new EvictionMetrics(context.metrics, 'taint_eviction_controller');
  const nodes = informers.informer('nodes');
  const pods = podInformer(informers);
  indexByNode(pods);
  /** Pods that wait for their end, and since when; milliseconds since 1970. */
  const waiting = new Map<string, number>();
  nodes.addHandler({
    added: (node) => taintsOf(node).length > 0 && enqueueAll(node),
    updated: (old, node) => !sameTaints(old, node) && enqueueAll(node),
  });
  pods.addHandler({
    added: (pod) => pod.spec.nodeName && queue.add(storeKey(pod)),
    updated: (old, pod) => {
      const concerns = old.spec.nodeName !== pod.spec.nodeName || old.spec.tolerations !== pod.spec.tolerations;
      if (pod.spec.nodeName && concerns && taintsOf(nodes.store.get(pod.spec.nodeName)).length > 0) {
        queue.add(storeKey(pod));
      }
    },
    deleted: (pod) => cancel(storeKey(pod)),
  });
  const enqueueAll = ({ metadata }: Node) => {
    for (const pod of podsOn(pods, metadata.name!)) queue.add(storeKey(pod));
  };
  const tell = (key: string, what: string) => {
    const [namespace = '', name = ''] = key.split('/');
    const reference = { apiVersion: 'v1', kind: 'Pod', namespace, name };
    recorder.event({ reference }, 'Normal', 'TaintManagerEviction', `${what} Pod ${key}`);
  };
  const cancel = (key: string) => {
    if (waiting.delete(key)) tell(key, 'Cancelling deletion of');
  };

  const reconcile = async (key: string): Promise<Again | undefined> => {
    const pod = pods.store.get(key);
    const taints = taintsOf(nodes.store.get(pod?.spec.nodeName ?? ''));
    if (!pod || pod.metadata.deletionTimestamp) {
      waiting.delete(key);
      return undefined;
    }
    const seconds =
      taints.length === 0 ? Number.POSITIVE_INFINITY : toleranceSeconds(taints, pod.spec.tolerations ?? []);
    if (seconds === Number.POSITIVE_INFINITY) {
      cancel(key);
      return undefined;
    }
    const now = world.clock.now();
    const since = waiting.get(key) ?? now;
    const left = since + seconds * 1000 - now;
    if (left > 0) {
      waiting.set(key, since);
      return { afterMs: left };
    }
    tell(key, 'Marking for deletion');
    await evict(client, pod, CONDITION);
    metrics.deleted(world.clock.now() - since - seconds * 1000);
    waiting.delete(key);
    return undefined;
  };

  return runQueue(context, { queue, informers: [nodes, pods], workers: 8, reconcile });
}

const taintsOf = (node: Node | undefined) => (node?.spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');

function sameTaints(a: Node, b: Node): boolean {
  return JSON.stringify(taintsOf(a)) === JSON.stringify(taintsOf(b));
}
