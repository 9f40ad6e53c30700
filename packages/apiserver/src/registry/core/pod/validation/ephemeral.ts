/** Ephemeral containers, which are put into a pod that runs. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { duplicate, type ErrorList, forbidden, notFound, Path, quote } from '@keelson/api/field';
import type { EphemeralContainer, Pod } from '@keelson/api/generated/types/core/v1';
import { MIRROR_POD } from '@keelson/api/resources/pod-parts';
import { structType } from '@keelson/api/schema';
import { internalForm } from '../../../validation/internal.ts';
import { validateKubeObjectMetaUpdate } from '../../../validation/objectmeta.ts';
import { diffJSON } from '../../../validation/unifieddiff.ts';
import { validatePodAnnotationUpdates } from './annotations.ts';
import { type ContainerContext, validateCommon } from './containers.ts';
import { NOWHERE } from './names.ts';
import { type PodPolicy, podOptions } from './options.ts';
import { validateImageSpaces, validatePodContent } from './pod.ts';

/** In the order of the type's fields. `resources` counts when it holds something. */
const DISALLOWED = [
  'ports',
  'resources',
  'resizePolicy',
  'restartPolicy',
  'restartPolicyRules',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'lifecycle',
] as const;

export function validateEphemeralContainers(context: ContainerContext, path: Path): ErrorList {
  const { spec } = context;
  const others = new Set([...(spec.containers ?? []), ...(spec.initContainers ?? [])].map(({ name }) => name));
  const names = new Set(others);
  return (spec.ephemeralContainers ?? []).flatMap((container, i) => {
    const at = path.index(i);
    const { name, targetContainerName: target } = container;
    const errors = [...validateCommon(container, context, at), ...validateImageSpaces(container, at)];
    if (names.has(name)) errors.push(duplicate(at.child('name'), name));
    names.add(name);
    if (target && !others.has(target)) errors.push(notFound(at.child('targetContainerName'), target));
    const problem = 'cannot be set for an Ephemeral Container';
    for (const key of DISALLOWED) if (isSet(container, key)) errors.push(forbidden(at.child(key), problem));
    for (const [j, mount] of (container.volumeMounts ?? []).entries())
      for (const key of ['subPath', 'subPathExpr'] as const)
        if (mount[key]) errors.push(forbidden(at.child('volumeMounts').index(j).child(key), problem));
    return errors;
  });
}

/** Resources are no pointer: without anything in them they are not there. */
function isSet(container: EphemeralContainer, key: (typeof DISALLOWED)[number]): boolean {
  const value = container[key];
  return value !== undefined && !(key === 'resources' && Object.keys(value).length === 0);
}

const TYPE = structType('io.k8s.api.core.v1.EphemeralContainer');

/** Those that are there stay as they are. */
/** With metadata, which does not matter for pods that take none. */
export function validateEphemeralContainersUpdate(policy: PodPolicy, pod: Pod, old: Pod): ErrorList {
  const { annotations: before = {} } = old.metadata;
  if (before[MIRROR_POD] !== undefined) return [forbidden(NOWHERE, 'static pods do not support ephemeral containers')];
  const options = podOptions(policy, old);
  const { annotations = {} } = pod.metadata;
  const path = Path.of('metadata', 'annotations');
  const containers = new Map((pod.spec.ephemeralContainers ?? []).map((container) => [container.name, container]));
  return [
    ...validateKubeObjectMetaUpdate(pod.metadata, old.metadata, Path.of('metadata')),
    ...validatePodContent(pod, options),
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
