/** Stands in for scheduler and kubelets: pods get a node, run, become ready, and go when they are deleted. */
import type { Pod, PodStatus } from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import { type Client, hasReason, InformerFactory, keyOf, storeKey } from '@keelson/client';

export interface ToyNodes {
  /** Pods for which this gives true are left alone. */
  ignore: (pod: Pod) => boolean;
  /** What comes of a running pod; undefined lets it run on, ready. */
  fate: (pod: Pod) => PodStatus | undefined;
  stop(): Promise<void>;
}

/** A status of a pod whose only container has come to its end. */
export function ended(pod: Pod, exitCode: number): PodStatus {
  const now = formatTime(new Date());
  return {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    startTime: now,
    conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: now }],
    containerStatuses: (pod.spec.containers ?? []).map(({ name, image }) => ({
      name,
      image: image!,
      imageID: image!,
      ready: false,
      restartCount: 0,
      state: { terminated: { exitCode, finishedAt: now, startedAt: now } },
      lastState: {},
    })),
  };
}

export async function startToyNodes(client: Client, nodes: readonly string[]): Promise<ToyNodes> {
  const pods = client.resource('pods');
  const factory = new InformerFactory(client);
  const informer = factory.informer('pods');
  const toy = { ignore: (_: Pod) => false, fate: (_: Pod): PodStatus | undefined => undefined };
  const busy = new Set<string>();
  let next = 0;
  const act = async (pod: Pod): Promise<void> => {
    if (pod.metadata.deletionTimestamp) {
      await pods.delete(keyOf(pod), { gracePeriodSeconds: 0 });
    } else if (!pod.spec.nodeName) {
      const pinned = pinnedTo(pod);
      const name = pinned ?? nodes[next++ % nodes.length]!;
      const { namespace, name: podName } = pod.metadata;
      const binding = { metadata: { namespace: namespace!, name: podName! }, target: { kind: 'Node', name } };
      await pods.subresource('binding').create(keyOf(pod), binding);
    } else {
      const status = toy.fate(pod) ?? (pod.status.phase === 'Running' ? undefined : running(pod));
      if (status && pod.status.phase !== status.phase) await pods.updateStatus({ ...pod, status });
    }
  };
  const look = async (pod: Pod): Promise<void> => {
    const key = storeKey(pod);
    const ended = pod.status.phase === 'Succeeded' || pod.status.phase === 'Failed';
    if (busy.has(key) || toy.ignore(pod) || (ended && !pod.metadata.deletionTimestamp)) return;
    busy.add(key);
    await act(pod).catch((error) => {
      if (!hasReason(error, 'Conflict', 'NotFound')) throw error;
    });
    busy.delete(key);
    const now = informer.store.get(key);
    if (now && now !== pod) await look(now);
  };
  informer.addHandler({ added: (pod) => void look(pod), updated: (_, pod) => void look(pod) });
  factory.start();
  await factory.synced();
  return Object.assign(toy, { stop: () => factory.stop() });
}

/** The node that its affinity names, as pods of daemon sets have it. */
function pinnedTo({ spec }: Pod): string | undefined {
  const terms = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.flatMap((term) => term.matchFields ?? []).find(({ key }) => key === 'metadata.name')?.values?.[0];
}

function running(pod: Pod): PodStatus {
  const now = formatTime(new Date());
  return {
    phase: 'Running',
    startTime: now,
    conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map((type) => ({
      type,
      status: 'True',
      lastTransitionTime: now,
    })),
    containerStatuses: (pod.spec.containers ?? []).map(({ name, image }) => ({
      name,
      image: image!,
      imageID: image!,
      ready: true,
      restartCount: 0,
      started: true,
      state: { running: { startedAt: now } },
      lastState: {},
    })),
  };
}
