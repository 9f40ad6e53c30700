/** Gives each node a range of addresses for its pods (pkg/controller/nodeipam, RangeAllocator). */
import type { Node } from '@keelson/api/generated/types/core/v1';
import { hasReason, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { runQueue } from '../work.ts';
import { RangeMetrics } from './metrics.ts';
import { Ranges } from './ranges.ts';

export async function start(context: ControllerContext) {
  const { client, informers, world, settings } = context;
  if (!settings.nodeRanges?.length) return undefined;
  const recorder = context.recorder('cidrAllocator');
  const metrics = new RangeMetrics(context.metrics);
  const families = settings.nodeRanges.map(({ whole, bits }) =>
    metrics.follow((observer) => new Ranges(whole, bits, observer)),
  );
  const occupy = ({ spec }: Node) => {
    for (const cidr of spec?.podCIDRs ?? []) for (const ranges of families) ranges.occupy(cidr);
  };
  const queue = new WorkQueue<string>(world, 'cidrallocator-node');
  /** Nodes, by uid, that have ranges which may not be seen yet. */
  const given = new Set<string>();
  const nodes = informers.informer('nodes');
  nodes.addHandler({
    added: (node) => {
      occupy(node);
      queue.add(node.metadata.name!);
    },
    updated: (_, node) => !node.spec?.podCIDRs?.length && queue.add(node.metadata.name!),
    deleted: ({ metadata, spec }) => {
      given.delete(metadata.uid!);
      for (const cidr of spec?.podCIDRs ?? []) for (const ranges of families) ranges.release(cidr);
    },
  });

  const reconcile = async (name: string) => {
    const node = nodes.store.get(name);
    if (!node || node.spec?.podCIDRs?.length || given.has(node.metadata.uid!)) return;
    const podCIDRs = families.map((ranges) => ranges.take());
    const giveBack = () => {
      for (const [i, cidr] of podCIDRs.entries()) if (cidr !== undefined) families[i]!.release(cidr);
    };
    if (podCIDRs.includes(undefined)) {
      giveBack();
      const { uid = '' } = node.metadata;
      const reference = { apiVersion: 'v1', kind: 'Node', name, uid };
      recorder.event({ reference }, 'Normal', 'CIDRNotAvailable', `Node ${name} status is now: CIDRNotAvailable`);
      throw new Error(`no range is left for node ${name}`);
    }
    try {
      await client.resource('nodes').patch({ name }, 'strategic', { spec: { podCIDR: podCIDRs[0], podCIDRs } });
      given.add(node.metadata.uid!);
    } catch (error) {
      // A refusal leaves them free; where nobody knows whether they were given, they stay taken.
      if (hasReason(error, 'Invalid') || hasReason(error, 'NotFound')) giveBack();
      if (!hasReason(error, 'NotFound')) throw error;
    }
  };
  // One at a time, and only when what nodes have is known: two must not get the same.
  return runQueue(context, { queue, informers: [nodes], workers: 1, reconcile });
}
