import type { ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { expect, it } from 'vitest';
import { clusterEvent } from './framework/events.ts';
import { SchedulerMetrics } from './metrics.ts';
import { InFlight } from './queue/in-flight.ts';

const claim = (...results: { driver: string; bindingConditions?: string[] }[]) =>
  ({
    metadata: { name: 'c' },
    spec: { devices: {} },
    status: { allocation: { devices: { results } } },
  }) as object as ResourceClaim;

it('what is done beside the cycles is counted', async () => {
  const registry = new MetricsRegistry();
  const inFlight = new InFlight();
  let now = 0;
  const levels = {
    pending: () => ({ active: 0, backoff: 0, unschedulable: 0, gated: 0 }),
    cached: () => ({ nodes: 0, pods: 0, assumed_pods: 0 }),
    inFlight: () => inFlight.counts(),
  };
  const metrics = new SchedulerMetrics(registry, levels, () => now);
  const [first, second] = [metrics.evicting(), metrics.evicting()];
  const awaited = metrics.awaiting('default-scheduler');
  now = 3;
  first(true);
  second(false);
  awaited(
    [claim({ driver: 'a.example.com', bindingConditions: ['attached'] }, { driver: 'b.example.com' })],
    'timeout',
  );
  metrics.executions('NodePorts', 'Filter', 'Unschedulable').observe(0.5);
  metrics.hinted('NodePorts', 'AssignedPodDelete', 'QueueSkip', 2);
  metrics.claimCreated(true);
  metrics.claimCreated(false);
  inFlight.begin('u1');
  inFlight.happened({ event: clusterEvent('Node', 1, 'NodeAdd'), old: undefined, now: undefined });
  inFlight.happened({ event: clusterEvent('Node', 1, 'NodeAdd'), old: undefined, now: undefined });
  const lines = (await registry.text()).split('\n');
  const devices = (driver: string) => `{driver="${driver}",profile="default-scheduler",status="timeout"}`;
  expect(lines).toEqual(
    expect.arrayContaining([
      'scheduler_preemption_goroutines_execution_total{result="success"} 1',
      'scheduler_preemption_goroutines_execution_total{result="error"} 1',
      'scheduler_preemption_goroutines_duration_seconds_sum{result="success"} 3',
      'scheduler_resourceclaim_creates_total{status="success"} 1',
      'scheduler_resourceclaim_creates_total{status="failure"} 1',
      `scheduler_dra_bindingconditions_allocations_total${devices('a.example.com')} 1`,
      `scheduler_dra_bindingconditions_wait_duration_seconds_sum${devices('a.example.com')} 3`,
      `scheduler_dra_bindingconditions_wait_duration_seconds_sum${devices('b.example.com')} 3`,
      'scheduler_plugin_execution_duration_seconds_sum{extension_point="Filter",plugin="NodePorts",status="Unschedulable"} 0.5',
      'scheduler_queueing_hint_execution_duration_seconds_sum{event="AssignedPodDelete",hint="QueueSkip",plugin="NodePorts"} 1',
      'scheduler_inflight_events{event="NodeAdd"} 2',
      'scheduler_inflight_events{event="PodPopped"} 1',
    ]),
  );
  expect(lines).not.toContain(`scheduler_dra_bindingconditions_allocations_total${devices('b.example.com')} 1`);
  inFlight.done('u1');
  expect(await registry.text()).not.toContain('event="NodeAdd"');
});
