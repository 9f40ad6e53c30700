import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { startMetrics } from './start-metrics.ts';

it('counts what is started, and what fails', async () => {
  const metrics = new MetricsRegistry();
  const starts = startMetrics(metrics);
  const own = podOf({ containers: [container('a')], hostUsers: false });
  const other = podOf({ containers: [container('a')] });
  for (const pod of [own, other]) {
    starts.pod(pod);
    starts.newPodFailed(pod);
  }
  starts.podFailed();
  starts.container('sidecar');
  starts.container('regular');
  starts.containerFailed('regular', 'ErrImagePull');
  starts.imageVolumes(2, 3, true);
  starts.imageVolumes(1, 1, false);
  starts.imageEnsured('IfNotPresent', { present: true, pullRequired: false });
  starts.imageEnsured('Always', { pullRequired: true });
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('kubelet_'));
  expect(lines.sort()).toEqual([
    'kubelet_image_manager_ensure_image_requests_total{present_locally="true",pull_policy="ifnotpresent",pull_required="false"} 1',
    'kubelet_image_manager_ensure_image_requests_total{present_locally="unknown",pull_policy="always",pull_required="true"} 1',
    'kubelet_image_volume_mounted_errors_total 1',
    'kubelet_image_volume_mounted_succeed_total 3',
    'kubelet_image_volume_requested_total 3',
    'kubelet_started_containers_errors_total{code="ErrImagePull",container_type="container"} 1',
    'kubelet_started_containers_total{container_type="container"} 1',
    'kubelet_started_containers_total{container_type="init_container"} 1',
    'kubelet_started_pods_errors_total 1',
    'kubelet_started_pods_total 2',
    'kubelet_started_user_namespaced_pods_errors_total 1',
    'kubelet_started_user_namespaced_pods_total 1',
  ]);
});
