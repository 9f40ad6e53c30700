/** What is to be done with one container that was made: what regular ones, init containers and sidecars have in common. */
import type { Container, Pod, ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import { CONTAINER_HASH } from '../runtime/labels.ts';
import { effectiveResources, resizeRestarts, sameResources } from './allocation.ts';
import { containerHash } from './hash.ts';
import type { PodContainer } from './spec.ts';

export type KillReason =
  | 'StartupProbe'
  | 'LivenessProbe'
  | 'FailedPostStartHook'
  | 'RestartAllContainers'
  | 'Unknown'
  | '';

export interface Kill {
  readonly container: PodContainer;
  readonly id: string;
  /** For the event; empty says that it is stopped. */
  readonly message: string;
  readonly reason: KillReason;
}

export interface Resize {
  readonly container: PodContainer;
  readonly id: string;
  readonly from: ResourceRequirements;
  readonly to: ResourceRequirements;
}

/** What probes have found out, by container id; undefined where they have not. */
export interface ProbeFindings {
  liveness(containerId: string): boolean | undefined;
  startup(containerId: string): boolean | undefined;
}

/** What running containers were given, by name; of others it is taken that they have what they are to have. */
export type Actuated = ReadonlyMap<string, ResourceRequirements>;

/** What is to be done so that a running container has what it may have. */
export function resizeOf(
  pod: Pod,
  container: PodContainer,
  id: string,
  actuated: Actuated,
):
  | { readonly type: 'restart'; readonly kill: Kill }
  | { readonly type: 'resize'; readonly resize: Resize }
  | undefined {
  const { spec } = container;
  const from = actuated.get(spec.name);
  const to = effectiveResources(pod, spec);
  if (!from || sameResources(from, to)) return undefined;
  if (!resizeRestarts(spec, from, to)) return { type: 'resize', resize: { container, id, from, to } };
  const message = `Container ${spec.name} resize requires restart`;
  return { type: 'restart', kill: { container, id, message, reason: '' } };
}

/** Whether the container was made from another spec. @param annotations of that which was made */
export function isChanged(spec: Container, annotations: Readonly<Record<string, string>>): boolean {
  return annotations[CONTAINER_HASH] !== containerHash(spec);
}

/** The runtime does not know what has become of it. @param what it is called in the event */
export function lost(container: PodContainer, id: string, what: 'Container' | 'Init container'): Kill {
  return { container, id, message: `${what} is in "unknown" state, try killing it before restart`, reason: 'Unknown' };
}
