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
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('kubelet_started'));
  expect(lines.sort()).toEqual([
    'kubelet_started_containers_errors_total{code="ErrImagePull",container_type="container"} 1',
    'kubelet_started_containers_total{container_type="container"} 1',
    'kubelet_started_containers_total{container_type="init_container"} 1',
    'kubelet_started_pods_errors_total 1',
    'kubelet_started_pods_total 2',
    'kubelet_started_user_namespaced_pods_errors_total 1',
    'kubelet_started_user_namespaced_pods_total 1',
  ]);
});
