import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, test } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { registerVolumeMetrics } from './volume-metrics.ts';

test('volumes of claims are counted by their claims, others are not', async () => {
  const registry = new MetricsRegistry();
  const filesystem = { capacityBytes: 100, availableBytes: 60, inodes: 10, inodesFree: 6 };
  const usage = { filesystem, used: { bytes: 40, inodes: 4 } };
  const volumes = [
    { name: 'own', persistentVolumeClaim: { claimName: 'c' } },
    { name: 'with', ephemeral: {} },
    { name: 'inline', csi: { driver: 'd' } },
  ];
  const pod = podOf({ containers: [container('a')], volumes });
  const found = [...volumes.map(({ name }) => ['u1', name, usage] as const), ['gone', 'own', usage] as const];
  registerVolumeMetrics(registry, { volumes: () => found.values() }, (uid) => (uid === 'u1' ? pod : undefined));
  const text = await registry.text();
  for (const [name, value] of Object.entries({ capacity_bytes: 100, used_bytes: 40, inodes_free: 6, inodes_used: 4 })) {
    const samples = text.split('\n').filter((line) => line.startsWith(`kubelet_volume_stats_${name}{`));
    expect(samples).toEqual([
      `kubelet_volume_stats_${name}{namespace="default",persistentvolumeclaim="c"} ${value}`,
      `kubelet_volume_stats_${name}{namespace="default",persistentvolumeclaim="web-with"} ${value}`,
    ]);
  }
});
