/** Which pod goes first (pkg/kubelet/eviction/helpers.go, rank…). */
import type { Pod, Volume } from '@keelson/api/generated/types/core/v1';
import { addUsage, type DiskUsage, NO_USAGE } from '../node/filesystem.ts';
import { uidOf } from '../pods/spec.ts';
import { podRequests } from '../resources/requests.ts';
import type { Figures, PodUsage } from './signals.ts';
import { hasOwnImageDisk, SIGNALS, type Signal } from './signals.ts';

type Compare = (a: Subject, b: Subject) => number;

interface Subject {
  readonly pod: Pod;
  readonly usage: PodUsage | undefined;
}

/** For one that runs short of what the signal is of. The order of those that are alike stays. */
export function rank(pods: readonly Pod[], signal: Signal, figures: Figures): Pod[] {
  const subjects = pods.map((pod): Subject => ({ pod, usage: figures.pods.get(uidOf(pod)) }));
  const orders = ordersFor(signal, figures);
  const compare: Compare = (a, b) => {
    for (const order of orders) {
      const found = order(a, b);
      if (found !== 0) return found;
    }
    return 0;
  };
  return subjects.sort(compare).map(({ pod }) => pod);
}

function ordersFor(signal: Signal, figures: Figures): readonly Compare[] {
  const { resource } = SIGNALS[signal];
  switch (resource) {
    case 'memory': {
      const used = ({ memoryBytes = 0 }: PodUsage) => memoryBytes;
      return [overFirst(used, 'memory'), byPriority, byExcess(used, 'memory')];
    }
    case 'pids':
      return [byPriority, measured((a, b) => (b.usage.processes ?? 0) - (a.usage.processes ?? 0))];
    default: {
      const field = resource === 'inodes' ? 'inodes' : 'bytes';
      const parts = partsOn(signal, figures);
      const used = (usage: PodUsage, pod: Pod) => diskUsage(usage, pod, parts)[field];
      return [overFirst(used, resource), byPriority, byExcess(used, 'ephemeral-storage')];
    }
  }
}

interface Parts {
  readonly layers: boolean;
  readonly logs: boolean;
  readonly volumes: boolean;
}

/** What of a pod is on the disk that the signal is of. */
function partsOn(signal: Signal, figures: Figures): Parts {
  if (!hasOwnImageDisk(figures)) return { layers: true, logs: true, volumes: true };
  const isNode = signal.startsWith('nodefs');
  return { layers: !isNode, logs: isNode, volumes: isNode };
}

function diskUsage({ containers, volumes }: PodUsage, { spec }: Pod, parts: Parts): DiskUsage {
  const used = containers.flatMap(({ layer, logs }) => [
    parts.layers ? layer : undefined,
    parts.logs ? logs : undefined,
  ]);
  const local = parts.volumes ? (spec?.volumes ?? []).filter(isLocal) : [];
  return [...used, ...local.map(({ name }) => volumes.get(name))].reduce<DiskUsage>(
    (sum, each) => (each ? addUsage(sum, each) : sum),
    NO_USAGE,
  );
}

/** Whether it is on the node's own disk and goes with the pod. */
export function isLocal({ emptyDir, configMap, gitRepo }: Volume): boolean {
  return gitRepo !== undefined || configMap !== undefined || (emptyDir !== undefined && !emptyDir.medium);
}

/** Of what no figures are known goes first. */
function measured(
  compare: (a: Required<Subject> & { usage: PodUsage }, b: Required<Subject> & { usage: PodUsage }) => number,
): Compare {
  return (a, b) => {
    if (!a.usage || !b.usage) return Number(a.usage !== undefined) - Number(b.usage !== undefined);
    return compare({ pod: a.pod, usage: a.usage }, { pod: b.pod, usage: b.usage });
  };
}

type Used = (usage: PodUsage, pod: Pod) => number;

/** Of what is no resource of the API nobody requests anything. */
const requested = (pod: Pod, resource: string) => podRequests(pod).get(resource)?.toNumber() ?? 0;

function overFirst(used: Used, resource: string): Compare {
  const isOver = ({ pod, usage }: { pod: Pod; usage: PodUsage }) => used(usage, pod) > requested(pod, resource);
  return measured((a, b) => Number(isOver(b)) - Number(isOver(a)));
}

function byExcess(used: Used, resource: string): Compare {
  const excess = ({ pod, usage }: { pod: Pod; usage: PodUsage }) => used(usage, pod) - requested(pod, resource);
  return measured((a, b) => excess(b) - excess(a));
}

const byPriority: Compare = (a, b) => (a.pod.spec?.priority ?? 0) - (b.pod.spec?.priority ?? 0);
