/** The part of the plan that is about init containers and sidecars (computeInitContainerActions). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { ContainerStatus } from '../runtime/container.ts';
import type { PodState } from '../runtime/runtime.ts';
import {
  type Actuated,
  isChanged,
  type Kill,
  type KillReason,
  lost,
  type ProbeFindings,
  type Resize,
  resizeOf,
} from './plan-container.ts';
import { restartsWithoutCode, shouldStart } from './restarts.ts';
import { containersOf, latest, type PodContainer } from './spec.ts';

export interface InitPlan {
  /** Regular containers may run. */
  readonly initialized: boolean;
  /** One has failed and is not started again. */
  readonly failed: boolean;
  readonly start: readonly PodContainer[];
  readonly kill: readonly Kill[];
  readonly resize: readonly Resize[];
}

const FAILED: Pick<InitPlan, 'initialized' | 'failed' | 'start'> = { initialized: false, failed: true, start: [] };

/**
 * From the last to the first: the one furthest on tells how far initialization has come, since those before it may be
 * removed from the runtime already. Of the others only sidecars need a look.
 */
export function planInit(pod: Pod, state: PodState, probes: ProbeFindings, actuated: Actuated): InitPlan {
  const inits = containersOf(pod).filter(({ role }) => role === 'init' || role === 'sidecar');
  if (inits.length === 0) return { initialized: true, failed: false, start: [], kill: [], resize: [] };
  let initialized = (pod.spec!.containers ?? []).some(({ name }) => {
    const type = latest(state, name)?.state.type;
    return type === 'created' || type === 'running';
  });
  let seen = initialized;
  const start = new Set<number>();
  const kill: Kill[] = [];
  const resize: Resize[] = [];
  for (let i = inits.length - 1; i >= 0; i--) {
    const container = inits[i]!;
    const sidecar = container.role === 'sidecar';
    const status = latest(state, container.spec.name);
    if (!status) {
      if (seen && sidecar) start.add(i);
      continue;
    }
    if (seen && !sidecar) continue;
    const done = () => {
      if (i === inits.length - 1) initialized = true;
      else if (!seen) start.add(i + 1);
    };
    switch (status.state.type) {
      case 'created':
        start.add(i);
        break;
      case 'running': {
        if (!sidecar) {
          const other = resizeOf(pod, container, status.id, actuated);
          if (other?.type === 'resize') resize.push(other.resize);
          if (other?.type === 'restart') {
            kill.push(other.kill);
            start.add(i);
          }
          break;
        }
        const finding = sidecarFinding(container, status, probes);
        if (finding.started) done();
        const other = finding.kill ? undefined : resizeOf(pod, container, status.id, actuated);
        const killed = finding.kill ?? (other?.type === 'restart' ? other.kill : undefined);
        if (other?.type === 'resize') resize.push(other.resize);
        if (killed) {
          kill.push(killed);
          start.add(i);
        }
        break;
      }
      case 'exited':
        if (sidecar) start.add(i);
        else if (status.state.exitCode === 0) done();
        else if (shouldStart(container.spec, pod, state)) start.add(i);
        else return { ...FAILED, kill, resize };
        break;
      case 'unknown':
        if (!sidecar && !restartsWithoutCode(container.spec, pod.spec!)) return { ...FAILED, kill, resize };
        kill.push(lost(container, status.id, 'Init container'));
        start.add(i);
    }
    seen = true;
  }
  if (!seen) start.add(0);
  const order = [...start].sort((a, b) => a - b);
  return { initialized, failed: false, start: order.map((i) => inits[i]!), kill, resize };
}

/** Of a running sidecar: whether what comes after it may start, and whether it must be started again. */
function sidecarFinding(container: PodContainer, { id, annotations }: ContainerStatus, probes: ProbeFindings) {
  const { spec } = container;
  const fault = (what: string, reason: KillReason): Kill => {
    return { container, id, message: `Init container ${spec.name} ${what}`, reason };
  };
  if (spec.startupProbe) {
    const startup = probes.startup(id);
    if (startup === undefined) return { started: false };
    if (!startup) return { started: false, kill: fault('failed startup probe', 'StartupProbe') };
  }
  if (isChanged(spec, annotations)) return { started: true, kill: fault('definition changed', '') };
  if (spec.livenessProbe && probes.liveness(id) === false) {
    return { started: true, kill: fault('failed liveness probe', 'LivenessProbe') };
  }
  return { started: true };
}
