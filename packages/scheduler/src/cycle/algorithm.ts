/**
 * Finds the node for a pod on a snapshot: filters, then scores (pkg/scheduler/schedule_one.go). Changes nothing but where
 * the next search begins.
 */
import type { NodeInfo } from '../cache/node-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { Extenders } from '../extenders/extenders.ts';
import type { Cycle } from '../framework/cycle.ts';
import type { PostFilterResult } from '../framework/plugin.ts';
import type { Begun, Profile } from '../framework/profile.ts';
import { messageOf } from '../framework/status.ts';
import type { SchedulerMetrics } from '../metrics.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import { Batch, type BatchObserver, Ranking } from './batch.ts';
import { brokenBy, type Outcome, unschedulableBy } from './outcome.ts';
import { fitMessage, notAskedFor, Verdicts } from './verdicts.ts';

/** Fewer nodes than that are all looked at. */
const MIN_FEASIBLE = 100;
const MIN_PERCENTAGE = 5;

export interface Found {
  readonly outcome: Outcome;
  /** Absent when the pod was rejected before any node. */
  readonly cycle?: Cycle;
}

export interface AlgorithmOptions {
  readonly snapshot: Snapshot;
  /** 0 leaves it to the number of nodes. */
  readonly percentageOfNodesToScore: number;
  readonly extenders: Extenders | undefined;
  readonly random: () => number;
  readonly metrics: Pick<SchedulerMetrics, 'seconds' | 'ran' | 'evaluated'> & BatchObserver;
  /** Whether pods that are alike share a ranking of nodes, where they may. */
  readonly batches: boolean;
}

/** What a pod's place among others that are alike is. */
interface Turn {
  readonly batch: Batch;
  /** Of the pod, counted over all profiles. */
  readonly number: number;
  readonly signature: string | undefined;
  readonly hint: string | undefined;
}

/** How many nodes that will do are enough to choose from. */
function enoughNodes(nodes: number, percentage: number): number {
  if (nodes < MIN_FEASIBLE) return nodes;
  const adaptive = Math.max(MIN_PERCENTAGE, 50 - Math.floor(nodes / 125));
  return Math.max(MIN_FEASIBLE, Math.floor((nodes * (percentage || adaptive)) / 100));
}

export class Algorithm {
  readonly #options: AlgorithmOptions;
  /** Every search goes on where the one before ended, so that all nodes get their turn. */
  #start = 0;
  #count = 0;
  /** By profile. */
  readonly #batches = new Map<string, Batch>();

  constructor(options: AlgorithmOptions) {
    this.#options = options;
  }

  async schedule(profile: Profile, pod: PodInfo): Promise<Found> {
    const { nodes } = this.#options.snapshot;
    this.#count++;
    if (nodes.length === 0) return { outcome: unschedulableBy([], 'no nodes available to schedule pods') };
    try {
      return await this.#schedule(profile, pod, nodes);
    } catch (error) {
      return { outcome: brokenBy(error) };
    }
  }

  async #schedule(profile: Profile, pod: PodInfo, nodes: readonly NodeInfo[]): Promise<Found> {
    const { metrics } = this.#options;
    const verdicts = new Verdicts();
    const preFilterAt = metrics.seconds();
    const begun = profile.begin(pod, nodes);
    metrics.ran('PreFilter', begun.rejection?.code ?? 'Success', profile.name, preFilterAt);
    for (const plugin of begun.onlyBy) verdicts.rejectedBy.add(plugin);
    try {
      return await this.#place(profile, begun, verdicts);
    } finally {
      for (const [place, plugin, times] of begun.cycle.evaluations())
        metrics.evaluated(plugin, place, profile.name, times);
    }
  }

  async #place(profile: Profile, begun: Begun, verdicts: Verdicts): Promise<Found> {
    const { cycle, rejection, only, onlyBy } = begun;
    if (rejection) {
      verdicts.setOthers(rejection);
      verdicts.blame(rejection);
      return { outcome: await this.#noFit(profile, cycle, verdicts, messageOf(rejection)) };
    }
    const turn = this.#options.batches ? this.#turn(profile, cycle) : undefined;
    const nominated = await this.#tryNominated(profile, cycle.pod, cycle, verdicts, turn?.hint);
    const feasible = nominated.length > 0 ? nominated : await this.#search(profile, cycle, verdicts, only, onlyBy);
    if (feasible.length === 0) return { cycle, outcome: await this.#noFit(profile, cycle, verdicts) };
    const { node, others } =
      feasible.length === 1 ? { node: feasible[0]! } : await this.#best(profile, cycle, feasible);
    turn?.batch.placed(turn.number, turn.signature, turn.hint, node.name, others);
    const evaluated = feasible.length + verdicts.size;
    return { cycle, outcome: { kind: 'placed', node: node.name, evaluated, feasible: feasible.length } };
  }

  #turn(profile: Profile, cycle: Cycle): Turn {
    const { metrics, snapshot } = this.#options;
    const batch = this.#batches.get(profile.name) ?? new Batch(profile.name, metrics);
    this.#batches.set(profile.name, batch);
    const number = this.#count;
    const signedAt = metrics.seconds();
    const signature = profile.sign(cycle.pod);
    metrics.ran('Sign', 'Success', profile.name, signedAt);
    const hint = batch.hint(cycle, number, signature, (name) => snapshot.get(name));
    return { batch, number, signature, hint };
  }

  /** The node that the pod was promised comes first, and is enough; so is the one that a pod like it has left to it. */
  async #tryNominated(
    profile: Profile,
    pod: PodInfo,
    cycle: Cycle,
    verdicts: Verdicts,
    hint: string | undefined,
  ): Promise<NodeInfo[]> {
    const node = this.#options.snapshot.get(pod.pod.status.nominatedNodeName || (hint ?? ''));
    if (!node) return [];
    const rejection = profile.plugins.filter.length === 0 ? undefined : cycle.filter(node);
    if (rejection) verdicts.set(node.name, rejection);
    return rejection ? [] : this.#askExtenders(pod, [node], verdicts);
  }

  async #search(
    profile: Profile,
    cycle: Cycle,
    verdicts: Verdicts,
    only: ReadonlySet<string> | undefined,
    onlyBy: readonly string[],
  ): Promise<NodeInfo[]> {
    const { snapshot, extenders, metrics } = this.#options;
    let nodes = snapshot.nodes;
    if (only) {
      nodes = Array.from(only, (name) => snapshot.get(name)).filter((node) => node !== undefined);
      verdicts.setOthers(notAskedFor(onlyBy));
    }
    const scores = profile.plugins.score.length > 0 || extenders !== undefined;
    const percentage = profile.percentageOfNodesToScore ?? this.#options.percentageOfNodesToScore;
    const enough = scores ? enoughNodes(nodes.length, percentage) : 1;
    const feasible: NodeInfo[] = [];
    const filterAt = metrics.seconds();
    for (let i = 0; i < nodes.length && feasible.length < enough; i++) {
      const node = nodes[(this.#start + i) % nodes.length]!;
      const rejection = cycle.filter(node);
      if (rejection) verdicts.set(node.name, rejection);
      else feasible.push(node);
    }
    metrics.ran('Filter', 'Success', profile.name, filterAt);
    this.#start = (this.#start + feasible.length + verdicts.size) % snapshot.nodes.length;
    return this.#askExtenders(cycle.pod, feasible, verdicts);
  }

  async #askExtenders(pod: PodInfo, feasible: NodeInfo[], verdicts: Verdicts): Promise<NodeInfo[]> {
    const { extenders } = this.#options;
    if (!extenders || feasible.length === 0) return feasible;
    const left = await extenders.filter(pod, feasible, verdicts);
    if (left.length !== feasible.length) verdicts.rejectedBy.add('Extender');
    return left;
  }

  /** One of those with the highest score, by chance. */
  async #best(
    profile: Profile,
    cycle: Cycle,
    nodes: readonly NodeInfo[],
  ): Promise<{ readonly node: NodeInfo; readonly others?: Ranking }> {
    const { extenders, random, metrics } = this.#options;
    const scoreAt = metrics.seconds();
    const { total, byPlugin } = profile.score(cycle, nodes);
    for (const { name } of profile.plugins.preScore) metrics.evaluated(name, 'PreScore', profile.name, 1);
    for (const name of byPlugin.keys()) metrics.evaluated(name, 'Score', profile.name, nodes.length);
    metrics.ran('Score', 'Success', profile.name, scoreAt);
    await extenders?.prioritize(cycle.pod, nodes, total);
    let best = 0;
    let equals = 1;
    for (let i = 1; i < nodes.length; i++) {
      if (total[i]! > total[best]!) {
        best = i;
        equals = 1;
      } else if (total[i] === total[best] && random() * ++equals < 1) best = i;
    }
    return { node: nodes[best]!, others: new Ranking(nodes, total, best, random) };
  }

  async #noFit(profile: Profile, cycle: Cycle, verdicts: Verdicts, preFilter = ''): Promise<Outcome> {
    const { snapshot, metrics } = this.#options;
    const nodes = snapshot.nodes.length;
    const postFilterAt = metrics.seconds();
    const { nominate, message: postFilter } = await afterFilters(profile, cycle, verdicts);
    metrics.ran('PostFilter', nominate ? 'Success' : 'Unschedulable', profile.name, postFilterAt);
    return {
      kind: 'unschedulable',
      message: fitMessage(nodes, verdicts, { preFilter, postFilter }),
      rejectedBy: verdicts.rejectedBy,
      pendingBy: verdicts.pendingBy,
      ...(nominate === undefined ? {} : { nominate }),
    };
  }
}

/**
 * Lets plugins make room. The first that succeeds, knows that nobody can, or breaks is the last.
 * @returns what the condition of the pod says of it, and the node that the pod is to get; empty takes away what there was
 */
export async function afterFilters(profile: Profile, cycle: Cycle, verdicts: Verdicts): Promise<Ending> {
  const steps = postFilters(profile, cycle, verdicts);
  let step = steps.next();
  while (!step.done) {
    try {
      step = steps.next(await step.value.confirm!());
    } catch (error) {
      return { message: (error as Error).message };
    }
  }
  return step.value;
}

/** The same without asking anybody outside. */
export function afterFiltersAlone(profile: Profile, cycle: Cycle, verdicts: Verdicts): Ending {
  const steps = postFilters(profile, cycle, verdicts);
  let step = steps.next();
  while (!step.done) step = steps.next(step.value);
  return step.value;
}

interface Ending {
  readonly nominate?: string;
  readonly message: string;
}

/** Gives out results that are to be confirmed, and goes on with what it is given in their place. */
function* postFilters(
  profile: Profile,
  cycle: Cycle,
  verdicts: Verdicts,
): Generator<PostFilterResult, Ending, PostFilterResult> {
  const plugins = profile.plugins.postFilter;
  if (plugins.length === 0) return { nominate: '', message: '' };
  let nominate: string | undefined;
  const reasons: string[] = [];
  const ending = (message: string) => ({ ...(nominate === undefined ? {} : { nominate }), message });
  for (const plugin of plugins) {
    let result: PostFilterResult;
    try {
      result = plugin.postFilter!(cycle.pod, cycle, verdicts);
    } catch (error) {
      return { message: (error as Error).message };
    }
    if (result.confirm) result = yield result;
    const { rejection } = result;
    nominate = result.nominate ?? nominate;
    if (!rejection) return ending('');
    if (rejection.code === 'UnschedulableAndUnresolvable') return ending(messageOf(rejection));
    reasons.push(...rejection.reasons);
  }
  return ending(reasons.join(', '));
}
