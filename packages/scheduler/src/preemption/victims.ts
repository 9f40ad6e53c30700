import type { PodDisruptionBudget } from '@keelson/api/generated/types/policy/v1';
import { selectorOfObject } from '@keelson/api/selectors/labels';
import { millisOf } from '@keelson/api/time';
import type { NodeInfo } from '../cache/node-info.ts';
import type { CycleView } from '../framework/plugin.ts';
import { type Rejection, unresolvable } from '../framework/status.ts';
import type { PodInfo } from '../pods/pod-info.ts';

export interface Victims {
  /** The most important first. */
  readonly pods: readonly PodInfo[];
  /** How many of them go against a disruption budget. */
  readonly violations: number;
}

/** A pod that has not started counts as if it did now. */
export function startOf({ pod }: PodInfo, now: number): number {
  const { startTime } = pod.status;
  return startTime ? millisOf(startTime) : now;
}

/** The higher priority first, then who runs for longer. */
function byImportance(now: number): (a: PodInfo, b: PodInfo) => number {
  return (a, b) => b.priority - a.priority || startOf(a, now) - startOf(b, now);
}

/**
 * The fewest and least important pods that have to leave the node so that the pod fits: all of lower priority are
 * taken away, then put back one by one, the most important first, as long as the pod still fits. Those that budgets
 * protect are put back before the others.
 * @param node a copy, which is changed
 * @param cycle likewise
 * @param now milliseconds since the epoch
 */
export function selectVictims(
  pod: PodInfo,
  node: NodeInfo,
  cycle: CycleView,
  budgets: readonly PodDisruptionBudget[],
  now: number,
): Victims | Rejection {
  const candidates = node.pods.filter(({ priority }) => priority < pod.priority);
  const remove = (other: PodInfo) => {
    node.removePod(other.uid);
    cycle.podRemoved(other, node);
  };
  const fits = () => cycle.filter(node) === undefined;
  for (const candidate of candidates) remove(candidate);
  if (candidates.length === 0) return unresolvable('', 'No preemption victims found for incoming pod');
  const rejection = cycle.filter(node);
  if (rejection) return rejection;
  candidates.sort(byImportance(now));
  const { violating, others } = splitByBudgets(candidates, budgets);
  const victims: PodInfo[] = [];
  const isVictim = (other: PodInfo): boolean => {
    node.addPod(other);
    cycle.podAdded(other, node);
    if (fits()) return false;
    remove(other);
    victims.push(other);
    return true;
  };
  const violations = violating.filter(isVictim).length;
  for (const other of others) isVictim(other);
  return { pods: victims.sort(byImportance(now)), violations };
}

/** Takes pods in their order from what budgets still allow; those for which nothing is left violate one. */
export function splitByBudgets(
  pods: readonly PodInfo[],
  budgets: readonly PodDisruptionBudget[],
): { violating: PodInfo[]; others: PodInfo[] } {
  const open = budgets.map(({ metadata, spec, status }) => ({
    namespace: metadata.namespace,
    selector: selectorOfObject(spec?.selector),
    disrupted: status?.disruptedPods ?? {},
    allowed: status?.disruptionsAllowed ?? 0,
  }));
  const [violating, others]: [PodInfo[], PodInfo[]] = [[], []];
  for (const info of pods) {
    const { labels } = info.pod.metadata;
    let violates = false;
    for (const budget of labels && Object.keys(labels).length > 0 ? open : []) {
      if (budget.namespace !== info.namespace || budget.selector.empty || !budget.selector.matches(labels!)) continue;
      if (Object.hasOwn(budget.disrupted, info.name)) continue;
      budget.allowed -= 1;
      if (budget.allowed < 0) violates = true;
    }
    (violates ? violating : others).push(info);
  }
  return { violating, others };
}
