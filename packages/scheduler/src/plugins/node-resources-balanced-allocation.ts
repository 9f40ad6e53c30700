import type { NodeInfo } from '../cache/node-info.ts';
import type { NodeResourcesBalancedAllocationArgs, ResourceWeight } from '../config/types.ts';
import { MAX_SCORE, type Plugin, SKIP } from '../framework/plugin.ts';
import { isScalar } from '../pods/resources.ts';
import { amountIn, podAmounts } from './resource-scoring.ts';

/** Better nodes are those whose resources the pod makes more evenly used. */
export function nodeResourcesBalancedAllocation({
  resources,
}: NodeResourcesBalancedAllocationArgs): Plugin<unknown, readonly number[]> {
  const nothing = resources.map(() => 0);
  return {
    name: 'NodeResourcesBalancedAllocation',
    preScore(pod) {
      const amounts = podAmounts(pod, resources, false);
      return amounts.every((amount) => amount === 0) ? SKIP : { state: amounts };
    },
    score(_, node, amounts) {
      const gain = evenness(node, resources, amounts, amounts) - evenness(node, resources, amounts, nothing);
      return MAX_SCORE / 2 + Math.trunc((MAX_SCORE / 2 + gain) / 2);
    },
  };
}

/** 100 when all resources are used to the same part; less by how far the parts spread. */
function evenness(
  { allocatable, requested }: NodeInfo,
  resources: readonly ResourceWeight[],
  asked: readonly number[],
  added: readonly number[],
): number {
  let [count, sum, first, last] = [0, 0, 0, 0];
  const part = (i: number): number | undefined => {
    const { name } = resources[i]!;
    if (asked[i] === 0 && isScalar(name)) return undefined;
    const capacity = amountIn(allocatable, name);
    return capacity === 0 ? undefined : Math.min(1, (amountIn(requested, name) + added[i]!) / capacity);
  };
  for (let i = 0; i < resources.length; i++) {
    const fraction = part(i);
    if (fraction === undefined) continue;
    if (count === 0) first = fraction;
    last = fraction;
    sum += fraction;
    count += 1;
  }
  let spread = 0;
  if (count === 2) spread = Math.abs((first - last) / 2);
  else if (count > 2) {
    const mean = sum / count;
    let squares = 0;
    for (let i = 0; i < resources.length; i++) {
      const fraction = part(i);
      if (fraction !== undefined) squares += (fraction - mean) ** 2;
    }
    spread = Math.sqrt(squares / count);
  }
  return Math.trunc((1 - spread) * MAX_SCORE);
}
