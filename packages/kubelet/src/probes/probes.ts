/** What pod workers ask probes. */
import type { Pod, PodStatus } from '@keelson/api/generated/types/core/v1';
import type { ProbeFindings } from '../pods/plan-container.ts';
import type { Readiness } from '../status/generate.ts';

export type ProbeKind = 'liveness' | 'readiness' | 'startup';

export interface Probes {
  /** What they found out about one pod's containers. */
  of(uid: string): ProbeFindings & Readiness;
  /** Probes what runs, and stops probing what does not, by what is said of the pod now. */
  follow(pod: Pod, uid: string, status: PodStatus): void;
  /** Its containers are about to be stopped: only readiness counts now. */
  ending(uid: string): void;
  forget(uid: string): void;
  stop(): void;
}
