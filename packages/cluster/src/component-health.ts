/** The health checks of the scheduler and of the controllers, of which `/metrics/slis` tells. */
import { type Endpoint, type HealthCheck, HealthChecks } from '@keelson/apiserver/health/checks';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import { HealthMetrics } from '@keelson/component/metrics/slis';

export interface ComponentHealth {
  readonly checks: HealthChecks;
  readonly slis: MetricsRegistry;
}

/** Who loses the lead ends, so that who lives has no lead that it should not have. */
export const LEADER_ELECTION: HealthCheck = { name: 'leaderElection', check() {} };

/** @param checks of each endpoint besides `ping` of /livez */
export function componentHealth(checks: Partial<Record<Endpoint, readonly HealthCheck[]>>): ComponentHealth {
  const metrics = new HealthMetrics();
  const health = new HealthChecks({
    now: () => performance.now(),
    pinged: ['livez'],
    onResult: (check, endpoint, isHealthy) => metrics.record(check, endpoint, isHealthy),
  });
  for (const [endpoint, each] of Object.entries(checks))
    for (const check of each) health.add(check, [endpoint as Endpoint]);
  return { checks: health, slis: metrics.registry };
}
