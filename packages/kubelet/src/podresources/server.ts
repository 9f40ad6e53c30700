/**
 * Tells agents of the node, monitors of devices say, which containers have which devices, CPUs and memory
 * (pkg/kubelet/apis/podresources).
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import type { World } from '@keelson/client';
import { TokenBucket } from '@keelson/client/rest/ratelimit';
import { RpcError } from '@keelson/component/grpc/errors';
import { type Handlers, RpcServer } from '@keelson/component/grpc/server';
import type { ListedDevice } from '../devices/manager.ts';
import type { Block } from '../memory/state.ts';
import { containersOf, uidOf } from '../pods/spec.ts';
import type { ExclusiveResources } from '../topology/exclusive.ts';
import {
  type AlphaResources,
  alphaLister,
  type ContainerDevices,
  type ContainerMemory,
  type DynamicResource,
  type PodResources,
  type PodResourcesMethods,
  podResourcesLister,
} from './messages.ts';
import type { EndpointMetrics } from './metrics.ts';

export interface PodResourcesOptions {
  /** `ROOT/pod-resources/kubelet.sock` */
  readonly socket: string;
  readonly world: World;
  readonly metrics: EndpointMetrics;
  /** Those that run or may run. */
  pods(): readonly Pod[];
  /** Those that ended too. */
  allPods(): readonly Pod[];
  readonly devices: {
    devicesOf(uid: string, container: string): readonly ListedDevice[];
    allocatable(): readonly ListedDevice[];
    /** Gives back what pods hold that are no more. */
    releaseEnded(): void;
  };
  readonly exclusive: Pick<ExclusiveResources, 'cpuIds' | 'allocatableCpuIds' | 'memoryOf' | 'allocatableMemory'>;
  /** What a container has of claims that were prepared for its pod. */
  dynamicResources(pod: Pod, container: Container): readonly DynamicResource[];
}

const PER_SECOND = 100;
const BURST = 10;

/** @returns ends it @throws Error where it cannot listen */
export async function servePodResources(options: PodResourcesOptions): Promise<() => void> {
  const { socket, world, metrics, devices } = options;
  const tokens = new TokenBucket(PER_SECOND, BURST, world.clock);
  /** All methods together are limited. */
  const limited =
    <Request, Response>(answer: (request: Request) => Response) =>
    (request: Request): Response => {
      if (!tokens.tryTake()) throw new RpcError('ResourceExhausted', 'rejected by rate limit');
      return answer(request);
    };
  const v1alpha1 = {
    List: limited(() => {
      metrics.askedAlpha();
      devices.releaseEnded();
      return { podResources: options.allPods().map((pod) => alphaOf(pod, options)) };
    }),
  };
  const v1: Handlers<PodResourcesMethods> = {
    List: limited(() => {
      metrics.asked('list');
      devices.releaseEnded();
      return { podResources: options.pods().map((pod) => resourcesOf(pod, options)) };
    }),
    GetAllocatableResources: limited(() => {
      metrics.asked('get_allocatable');
      const { exclusive } = options;
      return {
        devices: devices.allocatable().flatMap(containerDevices),
        cpuIds: exclusive.allocatableCpuIds(),
        memory: exclusive.allocatableMemory().map(containerMemory),
      };
    }),
    Get: limited(({ podName, podNamespace }) => {
      metrics.asked('get');
      const found = options
        .pods()
        .find(({ metadata }) => metadata.name === podName && metadata.namespace === podNamespace);
      if (found) return { podResources: resourcesOf(found, options) };
      metrics.notFound();
      throw new Error(`pod ${podName} in namespace ${podNamespace} not found`);
    }),
  };
  const server = new RpcServer().add(alphaLister, v1alpha1).add(podResourcesLister, v1);
  await mkdir(dirname(socket), { recursive: true, mode: 0o750 });
  await server.listen(socket);
  return () => server.stop();
}

/** Of init containers only sidecars hold what they were given. */
function resourcesOf(pod: Pod, { devices, exclusive, dynamicResources }: PodResourcesOptions): PodResources {
  const { name = '', namespace = '' } = pod.metadata;
  const containers = containersOf(pod).filter(({ role }) => role === 'sidecar' || role === 'regular');
  return {
    name,
    namespace,
    containers: containers.map(({ spec }) => ({
      name: spec.name,
      devices: devices.devicesOf(uidOf(pod), spec.name).flatMap(containerDevices),
      cpuIds: exclusive.cpuIds(uidOf(pod), spec.name),
      memory: exclusive.memoryOf(uidOf(pod), spec.name).map(containerMemory),
      dynamicResources: dynamicResources(pod, spec),
    })),
  };
}

function alphaOf(pod: Pod, options: PodResourcesOptions): AlphaResources {
  const { name, namespace, containers } = resourcesOf(pod, options);
  const regular = new Set((pod.spec?.containers ?? []).map((each) => each.name));
  return { name, namespace, containers: containers.filter((each) => regular.has(each.name)) };
}

function containerMemory({ type, size, nodes }: Block): ContainerMemory {
  return { memoryType: type, size, topology: { nodes: nodes.map((ID) => ({ ID })) } };
}

/** One for each NUMA node that the device is near to. */
function containerDevices({ resource, id, nodes }: ListedDevice): ContainerDevices[] {
  const device = { resourceName: resource, deviceIds: [id] };
  if (nodes.length === 0) return [device];
  return nodes.map((node) => ({ ...device, topology: { nodes: [{ ID: node }] } }));
}
