import type { ContainerStatus } from '@keelson/api/generated/types/core/v1';
import { manualWorld } from '@keelson/client/testing/world';
import { expect, test } from 'vitest';
import type { PodStats } from '../runtime/stats.ts';
import { container, podOf } from '../testing/pods.ts';
import type { KubeletView } from '../view.ts';
import { containerMetrics } from './container-metrics.ts';

const AT = 1_767_225_600_000;

const stall = (total: number) => ({ total, avg10: 0, avg60: 0, avg300: 0 });

const stats: PodStats = {
  uid: 'u1',
  name: 'web',
  namespace: 'default',
  cpu: { at: AT, coreNanoseconds: 3e9 },
  network: [{ at: AT, name: 'eth0', rxBytes: 10, rxErrors: 0, txBytes: 20, txErrors: 1 }],
  processes: 4,
  containers: [
    {
      id: 'c0ffee',
      name: 'a',
      cpu: { at: AT, coreNanoseconds: 2.5e9, pressure: { some: stall(3_500_000), full: stall(0) } },
      io: { at: AT, pressure: { some: stall(20), full: stall(10) } },
      memory: { at: AT, workingSetBytes: 100, usageBytes: 150, rssBytes: 80, pageFaults: 7, majorPageFaults: 1 },
      swap: { at: AT, usedBytes: 30 },
      writableLayer: { at: AT, mountpoint: '/', usedBytes: 4096, usedInodes: 1 },
    },
  ],
};

test('containers, pods and the machine are told of in the words of cAdvisor', async () => {
  const limited = container('a', { resources: { limits: { cpu: '500m', memory: '64Mi' } } });
  const pod = podOf({ containers: [limited] });
  const status = {
    name: 'a',
    image: 'a:v1',
    state: { running: { startedAt: '2026-01-01T00:00:00Z' } },
  } as unknown as ContainerStatus;
  const view = {
    world: manualWorld(AT),
    runtime: { stats: () => Promise.resolve([stats]) },
    pods: () => [{ ...pod, status: { ...pod.status, containerStatuses: [status] } }],
  } as unknown as KubeletView;
  const text = await containerMetrics(view);
  const id = '/kubepods/burstable/podu1';
  const of = `container="a",image="a:v1",name="c0ffee",namespace="default",pod="web",id="${id}/c0ffee"`;
  const ofPod = `container="",image="",name="",namespace="default",pod="web",id="${id}"`;
  const sorted = (line: string) =>
    line.replace(
      /\{(.*)\}/,
      (_all, labels: string) =>
        `{${labels
          .split(/,(?=\w+=)/)
          .sort()
          .join(',')}}`,
    );
  const lines = text
    .split('\n')
    .filter((line) => line.includes('pod="web"'))
    .map(sorted);
  const want = [
    `container_cpu_usage_seconds_total{${of},cpu="total"} 2.5 ${AT}`,
    `container_cpu_usage_seconds_total{${ofPod},cpu="total"} 3 ${AT}`,
    `container_memory_working_set_bytes{${of}} 100 ${AT}`,
    `container_memory_usage_bytes{${of}} 150 ${AT}`,
    `container_memory_rss{${of}} 80 ${AT}`,
    `container_memory_swap{${of}} 30 ${AT}`,
    `container_memory_failures_total{${of},failure_type="pgfault",scope="container"} 7 ${AT}`,
    `container_memory_failures_total{${of},failure_type="pgmajfault",scope="container"} 1 ${AT}`,
    `container_processes{${ofPod}} 4 ${AT}`,
    `container_pressure_cpu_waiting_seconds_total{${of}} 3.5 ${AT}`,
    `container_pressure_cpu_stalled_seconds_total{${of}} 0 ${AT}`,
    `container_pressure_io_waiting_seconds_total{${of}} 0.00002 ${AT}`,
    `container_pressure_io_stalled_seconds_total{${of}} 0.00001 ${AT}`,
    `container_fs_usage_bytes{${of},device=""} 4096 ${AT}`,
    `container_start_time_seconds{${of}} 1767225600 ${AT}`,
    `container_last_seen{${of}} 1767225600 ${AT}`,
    `container_last_seen{${ofPod}} 1767225600 ${AT}`,
    `container_network_receive_bytes_total{${ofPod},interface="eth0"} 10 ${AT}`,
    `container_network_receive_errors_total{${ofPod},interface="eth0"} 0 ${AT}`,
    `container_network_transmit_bytes_total{${ofPod},interface="eth0"} 20 ${AT}`,
    `container_network_transmit_errors_total{${ofPod},interface="eth0"} 1 ${AT}`,
    `container_spec_cpu_period{${of}} 100000 ${AT}`,
    `container_spec_cpu_quota{${of}} 50000 ${AT}`,
    `container_spec_cpu_shares{${of}} 512 ${AT}`,
    `container_spec_memory_limit_bytes{${of}} 67108864 ${AT}`,
  ];
  expect(lines.sort()).toEqual(want.map(sorted).sort());
  expect(text).toMatch(/^container_cpu_usage_seconds_total\{.*id="\/",cpu="total"\} \d/m);
  expect(text).toMatch(/^machine_swap_bytes\{.*\} \d+$/m);
  expect(text).toMatch(/^machine_cpu_cores\{.*\} \d+$/m);
});
