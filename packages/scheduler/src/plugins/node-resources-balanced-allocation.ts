import type { NodeInfo } from '../cache/node-info.ts';
import type { NodeResourcesBalancedAllocationArgs } from '../config/types.ts';
import { type DeviceUse, deviceUse, deviceUseParts } from '../devices/device-use.ts';
import { MAX_SCORE, type Plugin, type PluginContext, SKIP } from '../framework/plugin.ts';
import { isScalar } from '../pods/resources.ts';
import { amountIn, podAmounts } from './resource-scoring.ts';

interface Asked {
  readonly name: string;
  readonly amount: number;
}

interface State {
  readonly asked: readonly Asked[];
  /** For resources that a node does not have by itself. */
  readonly devices: DeviceUse | undefined;
}

/** Better nodes are those whose resources the pod makes more evenly used. */
export function nodeResourcesBalancedAllocation(
  { resources }: NodeResourcesBalancedAllocationArgs,
  context: Pick<PluginContext, 'listers' | 'isEnabled'>,
): Plugin<unknown, State> {
  const parts = deviceUseParts(context);
  return {
    name: 'NodeResourcesBalancedAllocation',
    sign: ({ requests }) => ({ requests }),
    preScore(pod) {
      const amounts = podAmounts(pod, resources, false);
      if (amounts.every((amount) => amount === 0)) return SKIP;
      const asked = resources.map(({ name }, i) => ({ name, amount: amounts[i]! }));
      return {
        state: {
          asked: asked.filter(({ name, amount }) => amount > 0 || !isScalar(name)),
          devices: deviceUse(pod.requests, resources, parts),
        },
      };
    },
    score(_, node, state) {
      const gain = evenness(node, state, 1) - evenness(node, state, 0);
      return MAX_SCORE / 2 + Math.trunc((MAX_SCORE / 2 + gain) / 2);
    },
  };
}

/** 100 when all resources are used to the same part; less by how far the parts spread. @param pods 1 with the pod, 0 without */
function evenness(node: NodeInfo, state: State, pods: 0 | 1): number {
  const { asked, devices } = state;
  let count = 0;
  let sum = 0;
  let first = 0;
  let last = 0;
  for (let i = 0; i < asked.length; i++) {
    const part = partOf(node, asked[i]!, pods, devices);
    if (part < 0) continue;
    if (count === 0) first = part;
    last = part;
    sum += part;
    count += 1;
  }
  if (count < 2) return MAX_SCORE;
  const spread = count === 2 ? Math.abs((first - last) / 2) : deviation(node, state, pods, sum / count, count);
  return Math.trunc((1 - spread) * MAX_SCORE);
}

function deviation(node: NodeInfo, { asked, devices }: State, pods: 0 | 1, mean: number, count: number): number {
  let squares = 0;
  for (const resource of asked) {
    const part = partOf(node, resource, pods, devices);
    if (part >= 0) squares += (part - mean) ** 2;
  }
  return Math.sqrt(squares / count);
}

/** Up to 1; negative for a resource that the node does not have. */
function partOf(
  { node, allocatable, requested }: NodeInfo,
  { name, amount }: Asked,
  pods: 0 | 1,
  devices: DeviceUse | undefined,
): number {
  let capacity = amountIn(allocatable, name);
  let used = 0;
  if (capacity > 0) used = amountIn(requested, name);
  else if (devices) ({ capacity, used } = devices.on(node!, name));
  if (capacity === 0) return -1;
  const part = (used + pods * amount) / capacity;
  return part > 1 ? 1 : part;
}
