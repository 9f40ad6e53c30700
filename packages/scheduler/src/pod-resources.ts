/** What `/metrics/resources` tells: what each pod asks for, as the scheduler counts it (pkg/scheduler/metrics/resources). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { isHugePages } from '@keelson/api/resources/names';
import { podTotals } from '@keelson/api/resources/pod';
import { Gauge } from '@keelson/component/metrics/families';
import { MetricsRegistry } from '@keelson/component/metrics/registry';

const UNITS: ReadonlyMap<string, string> = new Map([
  ['cpu', 'cores'],
  ['memory', 'bytes'],
  ['storage', 'bytes'],
  ['ephemeral-storage', 'bytes'],
]);

/** @param pods that have not ended, when somebody asks */
export function podResources(pods: () => Iterable<Pod>): MetricsRegistry {
  const registry = new MetricsRegistry();
  const family = (kind: 'requests' | 'limits', name: string, help: string) =>
    registry.register(
      new Gauge(
        {
          name,
          help,
          stability: 'STABLE',
          labels: ['namespace', 'pod', 'node', 'scheduler', 'priority', 'resource', 'unit'],
          perObject: true,
        },
        (gauge) => {
          gauge.clear();
          for (const pod of pods()) {
            const labels = labelsOf(pod);
            for (const [resource, amount] of podTotals(pod, kind))
              if (!amount.isZero()) gauge.with(...labels, resource, unitOf(resource)).value = amount.toNumber();
          }
        },
      ),
    );
  family('requests', 'kube_pod_resource_request', 'What pods ask for, by pod.');
  family('limits', 'kube_pod_resource_limit', 'What pods may have at most, by pod.');
  return registry;
}

function labelsOf({ metadata, spec }: Pod): string[] {
  const { namespace = '', name = '' } = metadata;
  return [namespace, name, spec.nodeName ?? '', spec.schedulerName ?? '', String(spec.priority ?? '')];
}

function unitOf(resource: string): string {
  if (isHugePages(resource)) return 'bytes';
  return UNITS.get(resource) ?? (resource.startsWith('attachable-volumes-') ? 'integer' : '');
}
