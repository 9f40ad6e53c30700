/** Ephemeral containers, which are put into a pod that runs. */

import { duplicate, type ErrorList, forbidden, notFound, type Path } from '@keelson/api/field';
import type { EphemeralContainer } from '@keelson/api/generated/types/core/v1';
import { type ContainerContext, validateCommon, validateImageSpaces } from './containers.ts';

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
