/** The conditions that are the kubelet's, with upstream's reasons and messages (pkg/kubelet/status/generate.go). */

import type { ContainerStatus, Pod, PodCondition, PodStatus } from '@keelson/api/generated/types/core/v1';
import { isSidecar } from '@keelson/api/resources/pod';
import { declaredContainers } from '@keelson/api/resources/pod-parts';
import { restartsAll, sandboxPlan } from '../pods/plan.ts';
import { conditionOf } from '../pods/spec.ts';
import type { PodState } from '../runtime/runtime.ts';
import type { Phase } from './phase.ts';

/** Nobody else writes them (pkg/kubelet/types/pod_status.go). */
const OWNED = new Set([
  'PodScheduled',
  'Ready',
  'Initialized',
  'ContainersReady',
  'PodReadyToStartContainers',
  'PodResizePending',
  'PodResizeInProgress',
  'AllContainersRestarting',
]);

/** Whether the kubelet says what a condition of the type is; others keep theirs. */
export const isOwned = (type: string): boolean => OWNED.has(type);

/** That the node ends the pod, which has not failed by itself. */
export function terminationByKubelet({ metadata }: Pod, message: string): PodCondition {
  const { generation } = metadata;
  return {
    type: 'DisruptionTarget',
    status: 'True',
    reason: 'TerminationByKubelet',
    message,
    ...(generation ? { observedGeneration: generation } : {}),
  };
}

export interface ConditionsInput {
  readonly pod: Pod;
  readonly state: PodState;
  readonly old: PodStatus;
  readonly phase: Phase;
  readonly init: readonly ContainerStatus[];
  readonly regular: readonly ContainerStatus[];
  /** Whether a condition says that the pod has its sandbox, network and volumes. */
  readonly tellsReadyToStart: boolean;
  /** Of others, and of resizes: they come first. */
  readonly given: readonly PodCondition[];
}

/** All conditions of a pod, those given first (pkg/kubelet/status/generate.go). */
export function conditionsOf(input: ConditionsInput): PodCondition[] {
  const { pod, state, given, tellsReadyToStart } = input;
  const observedGeneration = pod.metadata.generation;
  const of = (condition: PodCondition): PodCondition => ({
    ...condition,
    ...(observedGeneration ? { observedGeneration } : {}),
  });
  const toStart = () =>
    of({
      type: 'PodReadyToStartContainers',
      status: sandboxPlan(pod, state).type === 'keep' ? 'True' : 'False',
    });
  const mine = [
    ...(tellsReadyToStart ? [toStart()] : []),
    of(initialized(input)),
    of({ type: 'Ready', ...readiness(input) }),
    of({ type: 'ContainersReady', ...containersReady(input) }),
    of({ type: 'PodScheduled', status: 'True' }),
  ];
  const all = [...given, ...mine];
  return mayRestartAll(pod) ? [...all, { type: 'AllContainersRestarting', ...restarting(input) }] : all;
}

/** What remains of a condition without its name. */
type Verdict = Pick<PodCondition, 'status' | 'reason' | 'message'>;

/** Of a phase that is final. */
export function terminalVerdict(phase: string): Verdict {
  return { status: 'False', reason: phase === 'Failed' ? 'PodFailed' : 'PodCompleted' };
}

function initialized({ pod, old, phase, init, regular }: ConditionsInput): PodCondition {
  const type = 'Initialized';
  const specs = pod.spec!.initContainers ?? [];
  const unknown = specs.filter(({ name }) => !init.some((status) => status.name === name)).map(({ name }) => name);
  if (phase === 'Succeeded' && unknown.length === 0) return { type, status: 'True', reason: 'PodCompleted' };
  if (regular.some(hasStarted)) return { type, status: 'True' };
  const incomplete = specs
    .filter((spec) => {
      const status = init.find(({ name }) => name === spec.name);
      return status && (isSidecar(spec) ? !status.started : !status.ready);
    })
    .map(({ name }) => name);
  const message = told(unknown, 'unknown', incomplete, 'incomplete');
  // Once is enough, also where all containers begin anew.
  if (message === '' || conditionOf(old, type)?.status === 'True') return { type, status: 'True' };
  return { type, status: 'False', reason: 'ContainersNotInitialized', message };
}

function hasStarted({ state }: ContainerStatus): boolean {
  return state.running !== undefined || state.terminated !== undefined;
}

function containersReady({ pod, phase, init, regular }: ConditionsInput): Verdict {
  const specs = [...(pod.spec!.initContainers ?? []).filter(isSidecar), ...(pod.spec!.containers ?? [])];
  const statuses = [...init, ...regular];
  const find = (name: string) => statuses.find((status) => status.name === name);
  const unknown = specs.filter(({ name }) => !find(name)).map(({ name }) => name);
  const unready = specs.filter(({ name }) => find(name)?.ready === false).map(({ name }) => name);
  if ((phase === 'Succeeded' && unknown.length === 0) || phase === 'Failed') return terminalVerdict(phase);
  const message = told(unknown, 'unknown', unready, 'unready');
  return message === '' ? { status: 'True' } : { status: 'False', reason: 'ContainersNotReady', message };
}

/** Beside the containers, what the pod's gates ask for. */
function readiness(input: ConditionsInput): Verdict {
  const containers = containersReady(input);
  if (containers.status !== 'True') return containers;
  const missing = (input.pod.spec!.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = input.given.find(({ type }) => type === conditionType);
    if (!condition) return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (condition.status === 'True') return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (missing.length === 0) return containers;
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: missing.join(', ') };
}

function mayRestartAll({ spec }: Pod): boolean {
  const containers = declaredContainers(spec);
  return containers.some(({ restartPolicyRules = [] }) =>
    restartPolicyRules.some(({ action }) => action === 'RestartAllContainers'),
  );
}

function restarting({ pod, state, phase }: ConditionsInput): Verdict {
  if (phase === 'Succeeded' || phase === 'Failed') return terminalVerdict(phase);
  if (!restartsAll(pod, state)) return { status: 'False' };
  const message = 'container exited with restart policy rule';
  return { status: 'True', reason: 'RestartAllContainersStarted', message };
}

/** `containers with unready status: [a b]` */
function told(unknown: readonly string[], first: string, others: readonly string[], second: string): string {
  const parts = [
    unknown.length > 0 ? `containers with ${first} status: [${unknown.join(' ')}]` : '',
    others.length > 0 ? `containers with ${second} status: [${others.join(' ')}]` : '',
  ];
  return parts.filter(Boolean).join(', ');
}
