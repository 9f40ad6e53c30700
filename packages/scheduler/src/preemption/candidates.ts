import type { PodDisruptionBudget } from '@keelson/api/generated/types/policy/v1';
import type { NodeInfo } from '../cache/node-info.ts';
import type { CycleView } from '../framework/plugin.ts';
import type { Rejection } from '../framework/status.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import { selectVictims, startOf, type Victims } from './victims.ts';

export interface Candidate {
  readonly node: string;
  readonly victims: Victims;
}

export interface DryRun {
  readonly candidates: readonly Candidate[];
  /** Nodes where it would not help, and why. */
  readonly rejections: ReadonlyMap<string, Rejection>;
}

export interface DryRunOptions {
  readonly budgets: readonly PodDisruptionBudget[];
  /** Where to begin among the nodes. */
  readonly offset: number;
  /** So many are enough to choose from, once one of them violates no budget. */
  readonly enough: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Finds nodes where the pod would fit if others left. @throws Error when a filter breaks on each of them */
export function dryRun(pod: PodInfo, nodes: readonly NodeInfo[], cycle: CycleView, options: DryRunOptions): DryRun {
  const { budgets, offset, enough, now } = options;
  const clean: Candidate[] = [];
  const violating: Candidate[] = [];
  const rejections = new Map<string, Rejection>();
  let failure: unknown;
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[(offset + i) % nodes.length]!;
    try {
      const found = selectVictims(pod, node.clone(), cycle.clone(), budgets, now);
      if ('code' in found) rejections.set(node.name, found);
      else if (found.pods.length === 0) throw new Error(`expected at least one victim pod on node "${node.name}"`);
      else (found.violations === 0 ? clean : violating).push({ node: node.name, victims: found });
    } catch (error) {
      failure = error;
    }
    if (clean.length > 0 && clean.length + violating.length >= enough) break;
  }
  if (failure !== undefined && clean.length + violating.length === 0) throw failure;
  return { candidates: [...clean, ...violating], rejections };
}

/** What makes a candidate better, in this order: the higher number wins. */
function merits({ pods, violations }: Victims, now: number): number[] {
  const [first] = pods;
  const starts = pods.filter(({ priority }) => priority === first!.priority).map((each) => startOf(each, now));
  return [
    -violations,
    -first!.priority,
    -pods.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0),
    -pods.length,
    Math.min(...starts),
  ];
}

/**
 * The candidate with the fewest violations of budgets; then whose most important victim matters least, whose victims
 * together do, who has the fewest, whose most important ones have started last.
 */
export function bestOf(candidates: readonly Candidate[], now: number): Candidate | undefined {
  let best: { candidate: Candidate; merits: number[] } | undefined;
  for (const candidate of candidates) {
    const these = merits(candidate.victims, now);
    if (!best || isBetter(these, best.merits)) best = { candidate, merits: these };
  }
  return best?.candidate;
}

function isBetter(a: readonly number[], b: readonly number[]): boolean {
  const i = a.findIndex((merit, k) => merit !== b[k]);
  return i >= 0 && a[i]! > b[i]!;
}
