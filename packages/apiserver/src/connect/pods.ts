/** Where a pod's log, exec, attach and port-forward are served: at the kubelet of its node (pkg/registry/core/pod/strategy.go). */
import { badRequest, type GroupResource, notFound } from '@keelson/api/errors';
import type {
  Pod,
  PodAttachOptions,
  PodExecOptions,
  PodLogOptions,
  PodPortForwardOptions,
} from '@keelson/api/generated/types/core/v1';
import { allContainers } from '@keelson/api/resources/pod-parts';
import type { Objects } from '../objects.ts';
import type { Backend } from './backend.ts';
import type { Kubelets } from './kubelets.ts';
import { logParams, portForwardParams, streamParams } from './options.ts';

export interface PodLocator {
  readonly objects: Objects;
  readonly kubelets: Kubelets;
}

export interface StreamLocation {
  readonly backend: Backend;
  readonly features: readonly string[];
}

const PODS: GroupResource = { group: '', resource: 'pods' };

/** @throws StatusError 404 */
export async function livePod({ objects }: PodLocator, namespace: string, name: string): Promise<Pod> {
  const pod = await objects.getLive('pods', namespace, name);
  if (!pod) throw notFound(PODS, name);
  return pod;
}

/** Undefined for a pod that no node has yet: it has no log. @throws StatusError */
export async function logLocation(
  locator: PodLocator,
  namespace: string,
  name: string,
  options: PodLogOptions,
): Promise<Backend | undefined> {
  const pod = await livePod(locator, namespace, name);
  const container = containerOf(pod, options.container);
  if (!pod.spec.nodeName) return undefined;
  const kubelet = await locator.kubelets.of(pod.spec.nodeName, PODS);
  const path = `/containerLogs/${namespace}/${name}/${container}`;
  const query = logParams(options);
  return options.insecureSkipTLSVerifyBackend ? kubelet.insecureBackend(path, query) : kubelet.backend(path, query);
}

/** @throws StatusError */
export async function streamLocation(
  locator: PodLocator,
  namespace: string,
  name: string,
  verb: 'exec' | 'attach',
  options: PodExecOptions | PodAttachOptions,
): Promise<StreamLocation> {
  const pod = await livePod(locator, namespace, name);
  const container = containerOf(pod, options.container);
  return atKubelet(locator, pod, `/${verb}/${namespace}/${name}/${container}`, streamParams(options));
}

/** @throws StatusError */
export async function portForwardLocation(
  locator: PodLocator,
  namespace: string,
  name: string,
  options: PodPortForwardOptions,
): Promise<StreamLocation> {
  const pod = await livePod(locator, namespace, name);
  return atKubelet(locator, pod, `/portForward/${namespace}/${name}`, portForwardParams(options));
}

async function atKubelet({ kubelets }: PodLocator, pod: Pod, path: string, query: string): Promise<StreamLocation> {
  if (!pod.spec.nodeName) throw badRequest(`pod ${pod.metadata.name} does not have a host assigned`);
  const kubelet = await kubelets.of(pod.spec.nodeName, PODS);
  return { backend: kubelet.backend(path, query), features: kubelet.features };
}

/** The container asked for, or the only one. @throws StatusError 400 */
export function containerOf({ metadata, spec }: Pod, wanted: string | undefined): string {
  const names = allContainers(spec).map((c) => c.name);
  if (wanted) {
    if (names.includes(wanted)) return wanted;
    throw badRequest(`container ${wanted} is not valid for pod ${metadata.name}`);
  }
  const [first, ...others] = spec.containers ?? [];
  if (first && others.length === 0) return first.name;
  const choice = first ? `, choose one of: [${names.join(' ')}]` : '';
  throw badRequest(`a container name must be specified for pod ${metadata.name}${choice}`);
}
