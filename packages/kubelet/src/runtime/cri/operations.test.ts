import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, test } from 'vitest';
import { Operations, operationOf } from './operations.ts';

test.each([
  ['RunPodSandbox', 'run_podsandbox'],
  ['PodSandboxStatus', 'podsandbox_status'],
  ['UpdatePodSandboxResources', 'update_podsandbox_resources'],
  ['CreateContainer', 'create_container'],
  ['UpdateContainerResources', 'update_container'],
  ['CheckpointContainer', 'checkpoint_container'],
  ['ImageFsInfo', 'image_fs_info'],
  ['Version', 'version'],
])('%s is called %s', (method, operation) => expect(operationOf(method)).toBe(operation));

test('calls are counted and timed, those that fail too', async () => {
  const registry = new MetricsRegistry();
  let now = 0;
  const operations = new Operations(registry, () => now);
  const call = async () => {
    now += 20;
    return 'answer';
  };
  expect(await operations.observe('RunPodSandbox', call)).toBe('answer');
  const failing = operations.observe('RunPodSandbox', () => call().then(() => Promise.reject(new Error('no network'))));
  await expect(failing).rejects.toThrow('no network');
  const lines = (await registry.text()).split('\n').filter((line) => !/^#|le="(?!0.03125)/.test(line));
  expect(lines).toEqual([
    'kubelet_runtime_operations_duration_seconds_bucket{operation_type="run_podsandbox",le="0.03125"} 2',
    'kubelet_runtime_operations_duration_seconds_sum{operation_type="run_podsandbox"} 0.04',
    'kubelet_runtime_operations_duration_seconds_count{operation_type="run_podsandbox"} 2',
    'kubelet_runtime_operations_errors_total{operation_type="run_podsandbox"} 1',
    'kubelet_runtime_operations_total{operation_type="run_podsandbox"} 2',
    '',
  ]);
});
