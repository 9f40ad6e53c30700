/** Probes of simulated containers: all succeed, readiness after the delay that the pod's annotations say. */
import type { Probes } from '../../probes/probes.ts';
import type { SimulatedRuntime } from './runtime.ts';

export function simulatedProbes(runtime: SimulatedRuntime): Probes {
  const findings = {
    liveness: () => true,
    startup: () => true,
    readiness: (id: string) => runtime.isReady(id),
    has: () => false,
  };
  return { of: () => findings, follow: () => {}, ending: () => {}, forget: () => {}, stop: () => {} };
}
