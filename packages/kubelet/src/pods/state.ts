/**
 * The life of a pod worker. All its states and transitions are here; docs/kubelet.md has them as a table. Compare
 * pkg/kubelet/pod_workers.go.
 */
import type { Pod, PodCondition } from '@keelson/api/generated/types/core/v1';
import { isTerminalPhase } from './spec.ts';

export type WorkerState =
  /** Containers are made to run as the pod wants them. */
  | { readonly phase: 'syncing' }
  /** Containers are being stopped. */
  | { readonly phase: 'terminating'; readonly ending: Ending }
  /** No container runs any more; what the pod had on the node is being taken away. */
  | { readonly phase: 'terminated'; readonly ending: Ending }
  /** Nothing is left but its status. */
  | { readonly phase: 'finished'; readonly ending: Ending };

export interface Ending {
  /** `completed`: all its containers have ended by themselves. */
  readonly cause: 'deleted' | 'removed' | 'evicted' | 'completed';
  readonly graceSeconds: number;
  /** For the pod's status. */
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly condition?: PodCondition | undefined;
}

export type WorkerEvent =
  /** The pod as its source has it now. */
  | { readonly type: 'updated'; readonly pod: Pod }
  /** Its source has it no more. */
  | { readonly type: 'removed'; readonly pod: Pod }
  /** The plan has nothing left to do, for good. */
  | { readonly type: 'completed'; readonly pod: Pod }
  /** The node wants it to end; without a grace of its own it has the pod's. */
  | {
      readonly type: 'evicted';
      readonly pod: Pod;
      readonly reason: string;
      readonly message: string;
      readonly graceSeconds?: number | undefined;
      readonly condition?: PodCondition | undefined;
    }
  | { readonly type: 'stopped' }
  | { readonly type: 'cleanedUp' };

export const INITIAL: WorkerState = { phase: 'syncing' };

/** Whether containers of it run, or may. */
export function isAlive({ phase }: Pick<WorkerState, 'phase'>): boolean {
  return phase === 'syncing' || phase === 'terminating';
}

/** What ends it, or has; undefined as long as nothing does. */
export function causeOf(state: WorkerState): Ending['cause'] | undefined {
  return state.phase === 'syncing' ? undefined : state.ending.cause;
}

/** The same object where nothing changes. A grace period is only ever shortened. */
export function next(state: WorkerState, event: WorkerEvent): WorkerState {
  switch (event.type) {
    case 'updated': {
      if (event.pod.metadata.deletionTimestamp) return ended(state, 'deleted', graceOf(event.pod));
      // After a restart of the kubelet: whoever has seen it end has told the API server.
      if (isTerminalPhase(event.pod.status?.phase)) return ended(state, 'completed', graceOf(event.pod));
      return state;
    }
    case 'removed':
      return ended(state, 'removed', graceOf(event.pod));
    case 'completed':
      return ended(state, 'completed', graceOf(event.pod));
    case 'evicted': {
      const { reason, message, condition } = event;
      return ended(state, 'evicted', event.graceSeconds ?? graceOf(event.pod), { reason, message, condition });
    }
    case 'stopped':
      return state.phase === 'terminating' ? { ...state, phase: 'terminated' } : state;
    case 'cleanedUp':
      return state.phase === 'terminated' ? { ...state, phase: 'finished' } : state;
  }
}

function ended(
  state: WorkerState,
  cause: Ending['cause'],
  graceSeconds: number,
  words: Pick<Ending, 'reason' | 'message' | 'condition'> = {},
): WorkerState {
  if (state.phase === 'syncing') return { phase: 'terminating', ending: { cause, graceSeconds, ...words } };
  if (state.phase !== 'terminating' || graceSeconds >= state.ending.graceSeconds) return state;
  return { phase: 'terminating', ending: { ...state.ending, graceSeconds } };
}

/** Seconds: of the deletion, else of the spec; one at least, so that containers are asked first. */
export function graceOf({ metadata, spec }: Pod): number {
  const seconds = metadata.deletionTimestamp
    ? (metadata.deletionGracePeriodSeconds ?? spec?.terminationGracePeriodSeconds)
    : spec?.terminationGracePeriodSeconds;
  return Math.max(1, seconds ?? 30);
}
