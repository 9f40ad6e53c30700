import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { DefaultPreemptionArgs } from '../config/types.ts';
import { fitMessage, Verdicts } from '../cycle/verdicts.ts';
import { Action, clusterEvent } from '../framework/events.ts';
import type { CycleView, NodeVerdicts, Plugin, PluginContext, PostFilterResult } from '../framework/plugin.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';
import { PodInfo } from '../pods/pod-info.ts';
import { bestOf, type Candidate, dryRun } from '../preemption/candidates.ts';
import { Evictor } from '../preemption/evictor.ts';

const name = 'DefaultPreemption';
const notHelpful = unresolvable('', 'Preemption is not helpful for scheduling');

/** Makes room for pods of higher priority (pkg/scheduler/framework/plugins/defaultpreemption). */
export function defaultPreemption(args: DefaultPreemptionArgs, context: PluginContext): Plugin {
  const { snapshot, listers, nominations, world, writer, extenders, isEnabled } = context;
  const pods = listers('pods');
  const budgets = listers('poddisruptionbudgets.policy');
  const isAsync = isEnabled('SchedulerAsyncPreemption');
  const evictor = writer && new Evictor({ writer, pods, nominations });
  const rejected = (why: string, nominate?: string): PostFilterResult => ({
    rejection: unschedulable(name, `preemption: ${why}`),
    ...(nominate === undefined ? {} : { nominate }),
  });

  const preempt = (given: PodInfo, cycle: CycleView, verdicts: NodeVerdicts): PostFilterResult => {
    const current = pods.get(given.key);
    const pod = current ? new PodInfo(current) : given;
    const ineligible = whyIneligible(pod, verdicts, context);
    if (ineligible) return rejected(ineligible);
    const nodes = verdicts.resolvable(snapshot.nodes);
    const now = world.clock.now();
    const { candidates, rejections } = dryRun(pod, nodes, cycle, {
      budgets: nodes.length > 0 ? [...budgets.values()] : [],
      offset: Math.floor(world.random() * nodes.length),
      enough: enoughCandidates(nodes.length, args),
      now,
    });
    const best = bestOf(candidates, now);
    if (best && extenders?.hasSayInPreemption(pod)) {
      return { nominate: best.node, confirm: () => confirmed(pod, candidates, now) };
    }
    if (best && !isAsync && evictor) return { nominate: best.node, confirm: () => evicted(pod, best) };
    if (best) {
      evictor?.begin(pod, best);
      return { nominate: best.node };
    }
    const found = new Verdicts();
    for (const [node, rejection] of rejections) found.set(node, rejection);
    found.setOthers(notHelpful);
    return rejected(fitMessage(snapshot.nodes.length, found), '');
  };

  const evicted = async (pod: PodInfo, best: Candidate): Promise<PostFilterResult> => {
    await evictor?.evict(pod, best);
    return { nominate: best.node };
  };

  const confirmed = async (pod: PodInfo, candidates: readonly Candidate[], now: number): Promise<PostFilterResult> => {
    const left = await extenders!.preempt(pod, candidates, snapshot).catch((error: Error) => {
      throw new Error(`preemption: ${error.message}`, { cause: error });
    });
    const best = bestOf(left, now);
    if (!best) return rejected('no candidate node for preemption');
    if (!isAsync) return evicted(pod, best);
    evictor?.begin(pod, best);
    return { nominate: best.node };
  };

  return {
    name,
    preEnqueue({ uid }) {
      if (!evictor?.isRunning(uid)) return undefined;
      return unresolvable(name, 'waiting for the preemption for this pod to be finished');
    },
    postFilter(pod, cycle, verdicts) {
      writer?.preempted(undefined);
      return preempt(pod, cycle, verdicts);
    },
    events: () => (isAsync ? [{ event: clusterEvent('Pod', Action.delete), helps: () => false }] : []),
  };
}

export function enoughCandidates(nodes: number, args: DefaultPreemptionArgs): number {
  const part = Math.floor((nodes * args.minCandidateNodesPercentage) / 100);
  return Math.min(nodes, Math.max(part, args.minCandidateNodesAbsolute));
}

/** A pod that made room waits until its victims are gone, unless its node has become hopeless. */
function whyIneligible({ pod, priority }: PodInfo, verdicts: NodeVerdicts, { snapshot }: PluginContext) {
  if (pod.spec.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = pod.status.nominatedNodeName;
  if (!nominated || verdicts.get(nominated)?.code === 'UnschedulableAndUnresolvable') return undefined;
  const leaving = snapshot
    .get(nominated)
    ?.pods.some((other) => other.priority < priority && isLeavingForPreemption(other.pod));
  return leaving ? 'not eligible due to a terminating pod on the nominated node.' : undefined;
}

function isLeavingForPreemption({ metadata, status }: Pod): boolean {
  if (!metadata.deletionTimestamp) return false;
  const condition = status.conditions?.find(({ type }) => type === 'DisruptionTarget');
  return condition?.status === 'True' && condition.reason === 'PreemptionByScheduler';
}
