import type { ContainerStatus, PodStatus } from '@keelson/api/generated/types/core/v1';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, it } from 'vitest';
import { terminationsOf } from './terminations.ts';

const of = (name: string, state: ContainerStatus['state']): ContainerStatus =>
  ({ name, state, image: 'i', imageID: '', ready: false, restartCount: 0 }) as ContainerStatus;
const crashed = { terminated: { exitCode: 139, reason: 'Error' } };

it('counts the end of a container once, and each that follows a new start', async () => {
  const metrics = new MetricsRegistry();
  const tell = terminationsOf(metrics);
  const running: PodStatus = { containerStatuses: [of('a', { running: {} })] };
  const over: PodStatus = {
    containerStatuses: [of('a', crashed)],
    initContainerStatuses: [of('i', { terminated: { exitCode: 0, reason: 'Completed' } })],
  };
  tell({}, running);
  tell(running, over);
  tell(over, over);
  tell(over, { ...over, ...running });
  tell({ ...over, ...running }, over);
  const lines = (await metrics.text()).split('\n').filter((line) => line.startsWith('kubelet_terminated'));
  expect(lines).toEqual([
    'kubelet_terminated_containers_total{container_type="container",exit_code="139",reason="Error"} 2',
    'kubelet_terminated_containers_total{container_type="init_container",exit_code="0",reason="Completed"} 1',
  ]);
});
