/** Scores nodes by how much of them is asked for (pkg/scheduler/framework/plugins/noderesources). */
import type { NodeInfo } from '../cache/node-info.ts';
import type { NodeResourcesFitArgs, ResourceWeight, ShapePoint } from '../config/types.ts';
import type { DeviceUse } from '../devices/device-use.ts';
import { MAX_SCORE } from '../framework/plugin.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import { isScalar, type Resources } from '../pods/resources.ts';

/** @param nonZero with what containers that say nothing are taken to need */
export function podAmounts(pod: PodInfo, resources: readonly ResourceWeight[], nonZero: boolean): number[] {
  const requests = nonZero ? pod.nonZeroRequests : pod.requests;
  return resources.map(({ name }) => amountIn(requests, name));
}

export function amountIn(resources: Resources, name: string): number {
  if (name === 'cpu') return resources.milliCpu;
  if (name === 'memory') return resources.memory;
  if (name === 'ephemeral-storage') return resources.ephemeralStorage;
  return resources.scalar(name);
}

/** Of a resource that has `capacity` on a node, `requested` with the pod. */
type ResourceScore = (requested: number, capacity: number) => number;

const least: ResourceScore = (requested, capacity) =>
  requested > capacity ? 0 : Math.trunc(((capacity - requested) * MAX_SCORE) / capacity);

const most: ResourceScore = (requested, capacity) => Math.trunc((Math.min(requested, capacity) * MAX_SCORE) / capacity);

/** Between the points of the shape in straight lines, beyond them level. Scores of shapes go up to 10. */
function brokenLine(shape: readonly ShapePoint[]): (utilization: number) => number {
  const points = shape.map(({ utilization, score }) => ({ at: utilization, score: score * (MAX_SCORE / 10) }));
  return (utilization) => {
    const i = points.findIndex(({ at }) => utilization <= at);
    if (i < 0) return points.at(-1)!.score;
    if (i === 0) return points[0]!.score;
    const [a, b] = [points[i - 1]!, points[i]!];
    return a.score + Math.trunc(((b.score - a.score) * (utilization - a.at)) / (b.at - a.at));
  };
}

function byShape(shape: readonly ShapePoint[]): ResourceScore {
  const line = brokenLine(shape);
  return (requested, capacity) => line(requested > capacity ? 100 : Math.trunc((requested * 100) / capacity));
}

/** What of a pod counts for its score. */
export interface Scored {
  /** Of each resource that is scored. */
  readonly amounts: readonly number[];
  /** For resources that a node does not have by itself. */
  readonly devices: DeviceUse | undefined;
}

export type NodeScorer = (node: NodeInfo, pod: Scored) => number;

/** The mean over resources that the node has, by weight; those that the shape gives nothing do not count. */
export function resourceScorer(strategy: NodeResourcesFitArgs['scoringStrategy']): NodeScorer {
  const { type, resources, requestedToCapacityRatio } = strategy;
  const shaped = type === 'RequestedToCapacityRatio';
  const scoreOf = shaped ? byShape(requestedToCapacityRatio!.shape) : type === 'MostAllocated' ? most : least;
  const scalar = resources.map(({ name }) => isScalar(name));
  return (node, { amounts, devices }) => {
    let sum = 0;
    let weights = 0;
    for (let i = 0; i < resources.length; i++) {
      const { name, weight } = resources[i]!;
      if (amounts[i] === 0 && scalar[i]) continue;
      let capacity = amountIn(node.allocatable, name);
      let used = 0;
      if (capacity > 0) used = usedOn(node, name);
      else if (devices) ({ capacity, used } = devices.on(node.node!, name));
      if (capacity === 0) continue;
      const score = scoreOf(used + amounts[i]!, capacity);
      if (shaped && score <= 0) continue;
      sum += score * weight;
      weights += weight;
    }
    if (weights === 0) return 0;
    return shaped ? Math.round(sum / weights) : Math.trunc(sum / weights);
  };
}

function usedOn(node: NodeInfo, name: string): number {
  if (name === 'cpu') return node.nonZeroCpu;
  if (name === 'memory') return node.nonZeroMemory;
  return amountIn(node.requested, name);
}
