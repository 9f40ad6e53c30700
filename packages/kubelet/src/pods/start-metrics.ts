/** Counts what is started, and what of it fails (SyncPod in pkg/kubelet/kuberuntime/kuberuntime_manager.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { Counter } from '@keelson/component/metrics/families';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Found } from '../images/manager.ts';
import type { ContainerRole } from './spec.ts';

export interface StartMetrics {
  /** A sandbox is about to be made. */
  pod(pod: Pod): void;
  podFailed(): void;
  /** Of a pod with a sandbox that is new something failed. */
  newPodFailed(pod: Pod): void;
  container(role: ContainerRole): void;
  /** @param code the reason that its status says */
  containerFailed(role: ContainerRole, code: string): void;
  /** A container with volumes of images was started, or was not. @param mounts how many there are of them */
  imageVolumes(volumes: number, mounts: number, areMounted: boolean): void;
  imageEnsured(policy: string, found: Found): void;
}

const TYPES: Readonly<Record<ContainerRole, string>> = {
  init: 'init_container',
  sidecar: 'init_container',
  regular: 'container',
  ephemeral: 'ephemeral_container',
};

export function startMetrics(metrics: MetricsRegistry): StartMetrics {
  const counter = (name: string, help: string, labels: readonly string[] = []) =>
    metrics.register(new Counter({ name: `kubelet_started_${name}`, help, stability: 'ALPHA', labels }));
  const pods = counter('pods_total', 'Sandboxes of pods that were to be made.');
  const podErrors = counter('pods_errors_total', 'Sandboxes of pods that could not be made.');
  const namespaced = counter('user_namespaced_pods_total', 'The same of pods with users of their own.');
  const namespacedErrors = counter('user_namespaced_pods_errors_total', 'Those of them of which something failed.');
  const containers = counter('containers_total', 'Containers that were to be started.', ['container_type']);
  const containerErrors = counter('containers_errors_total', 'Containers that could not be, by why.', [
    'container_type',
    'code',
  ]);
  const imageVolume = (name: string, help: string) =>
    metrics.register(new Counter({ name: `kubelet_image_volume_${name}`, help, stability: 'BETA', labels: [] }));
  const requested = imageVolume('requested_total', 'Volumes of images that containers wanted.');
  const mounted = imageVolume('mounted_succeed_total', 'Mounts of volumes of images.');
  const notMounted = imageVolume('mounted_errors_total', 'Mounts of volumes of images that failed.');
  const ensured = metrics.register(
    new Counter({
      name: 'kubelet_image_manager_ensure_image_requests_total',
      help: 'How often images were to be there, by what was found.',
      stability: 'ALPHA',
      labels: ['pull_policy', 'present_locally', 'pull_required'],
    }),
  );
  const hasOwnUsers = ({ spec }: Pod) => spec?.hostUsers === false;
  return {
    pod: (pod) => {
      pods.with().inc();
      if (hasOwnUsers(pod)) namespaced.with().inc();
    },
    podFailed: () => podErrors.with().inc(),
    newPodFailed: (pod) => {
      if (hasOwnUsers(pod)) namespacedErrors.with().inc();
    },
    container: (role) => containers.with(TYPES[role]).inc(),
    imageVolumes: (volumes, mounts, areMounted) => {
      requested.with().inc(volumes);
      (areMounted ? mounted : notMounted).with().inc(mounts);
    },
    imageEnsured: (policy, { present = 'unknown', pullRequired = 'unknown' }) =>
      ensured.with(policy.toLowerCase(), String(present), String(pullRequired)).inc(),
    containerFailed: (role, code) => containerErrors.with(TYPES[role], code).inc(),
  };
}
