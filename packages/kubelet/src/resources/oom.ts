/** Whom the kernel kills first when memory runs out (pkg/kubelet/qos/policy.go). */
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { isSidecar, qosClass } from '@keelson/api/resources/pod';
import { isCritical } from '../pods/spec.ts';

const GUARANTEED = -997;
const BEST_EFFORT = 1000;

/** @param memoryCapacity bytes of the node */
export function oomScoreAdj(pod: Pod, container: Container, memoryCapacity: number): number {
  if (isCritical(pod)) return GUARANTEED;
  const qos = qosClass(pod);
  if (qos === 'Guaranteed') return GUARANTEED;
  if (qos === 'BestEffort') return BEST_EFFORT;
  const { containers, initContainers = [], resources } = pod.spec!;
  const sidecars = initContainers.filter(isSidecar);
  const all = [...(containers ?? []), ...sidecars];
  const asked = resources?.requests?.memory;
  // What the pod asks for beyond its containers is shared by them.
  const spare =
    asked === undefined ? 0 : Math.max(0, bytes(asked) - all.reduce((sum, each) => sum + requestOf(each), 0));
  const share = Math.floor(spare / Math.max(1, all.length));
  const scoreOf = (request: number) => BEST_EFFORT - Math.floor((1000 * (request + share)) / memoryCapacity);
  const least = Math.min(...(containers ?? []).map(requestOf));
  const own = scoreOf(requestOf(container));
  const score = sidecars.some(({ name }) => name === container.name) ? Math.min(own, scoreOf(least)) : own;
  return Math.min(BEST_EFFORT - 1, Math.max(1000 + GUARANTEED, score));
}

const bytes = (text: string) => Number(Quantity.parse(text).value());
const requestOf = ({ resources }: Container) => bytes(resources?.requests?.memory ?? '0');
