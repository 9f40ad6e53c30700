/** Updates of a pod's ephemeral containers (k8s.io/kubernetes/pkg/apis/core/validation ValidatePodEphemeralContainersUpdate). */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, Path, quote } from '@keelson/api/field';
import type { EphemeralContainer, Pod } from '@keelson/api/generated/types/core/v1';
import { MIRROR_POD } from '@keelson/api/resources/pod-parts';
import { structType } from '@keelson/api/schema';
import { internalForm } from '../../../validation/internal.ts';
import { diffJSON } from '../../../validation/unifieddiff.ts';
import { validatePodAnnotationUpdates } from './annotations.ts';
import { NOWHERE } from './names.ts';
import { type PodPolicy, podOptions } from './options.ts';
import { validateWholePod } from './pod.ts';

const TYPE = structType('io.k8s.api.core.v1.EphemeralContainer');

/** Those that are there stay as they are. With metadata, which does not matter for pods that take none. */
export function validateEphemeralContainersUpdate(policy: PodPolicy, pod: Pod, old: Pod): ErrorList {
  const { annotations: before = {} } = old.metadata;
  if (before[MIRROR_POD] !== undefined) return [forbidden(NOWHERE, 'static pods do not support ephemeral containers')];
  const options = podOptions(policy, old);
  const { annotations = {} } = pod.metadata;
  const path = Path.of('metadata', 'annotations');
  const containers = new Map((pod.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  return [
    ...validateWholePod(pod, old, options),
    ...validatePodAnnotationUpdates(annotations, before, pod.spec, options, path),
    ...(old.spec.ephemeralContainers ?? []).flatMap((container) =>
      unchanged(container, containers.get(container.name)),
    ),
  ];
}

function unchanged(old: EphemeralContainer, container: EphemeralContainer | undefined): ErrorList {
  const problem = (detail: string) => [
    forbidden(Path.of('spec', 'ephemeralContainers'), `existing ephemeral containers ${quote(old.name)} ${detail}`),
  ];
  if (!container) return problem('may not be removed\n');
  if (semanticEqual(container, old, TYPE)) return [];
  return problem(`may not be changed\n${diffJSON(internalForm(TYPE.name, old), internalForm(TYPE.name, container))}`);
}
