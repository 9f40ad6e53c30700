/** Tells kubelets how long they may keep secrets and config maps: the longer, the more nodes there are (pkg/controller/ttl). */
import type { Node } from '@keelson/api/generated/types/core/v1';
import { WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { runQueue } from '../work.ts';

const ANNOTATION = 'node.alpha.kubernetes.io/ttl';

/** Steps overlap, so that a cluster at the edge of one does not go back and forth. */
const STEPS = [
  { from: 0, to: 100, seconds: 0 },
  { from: 90, to: 500, seconds: 15 },
  { from: 450, to: 1000, seconds: 30 },
  { from: 900, to: 2000, seconds: 60 },
  { from: 1800, to: Number.POSITIVE_INFINITY, seconds: 300 },
] as const;

/** The step of a cluster that was on `step` and has so many nodes now. */
export function nextStep(step: number, nodes: number): number {
  let next = step;
  while (nodes > STEPS[next]!.to) next++;
  while (nodes < STEPS[next]!.from) next--;
  return next;
}

export function secondsOf(step: number): number {
  return STEPS[step]!.seconds;
}

/** Whether the annotation says so many seconds, in any way to write an integer. */
export function says({ metadata }: Pick<Node, 'metadata'>, seconds: number): boolean {
  const text = metadata.annotations?.[ANNOTATION];
  return text !== undefined && /^[+-]?\d+$/.test(text) && Number(text) === seconds;
}

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'ttlcontroller');
  const nodes = informers.informer('nodes');
  let step = 0;
  let count = 0;
  const enqueue = ({ metadata }: Node) => queue.add(metadata.name!);
  nodes.addHandler({
    added: (node) => {
      step = nextStep(step, ++count);
      enqueue(node);
    },
    // The others follow with their next status.
    updated: (_, node) => enqueue(node),
    deleted: () => {
      step = nextStep(step, --count);
    },
  });
  const reconcile = async (name: string) => {
    const node = nodes.store.get(name);
    const seconds = secondsOf(step);
    if (!node || says(node, seconds)) return;
    const patch = { metadata: { annotations: { [ANNOTATION]: String(seconds) } } };
    await client.resource('nodes').patch({ name }, 'strategic', patch);
  };
  return runQueue(context, { queue, informers: [nodes], workers: 5, reconcile });
}
