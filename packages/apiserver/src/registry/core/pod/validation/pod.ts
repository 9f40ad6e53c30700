/** Pods as they are made. */

import { type ErrorList, forbidden, Path } from '@keelson/api/field';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { validateKubeObjectMeta, validateKubeObjectMetaUpdate } from '../../../validation/objectmeta.ts';
import { validatePodAnnotations } from './annotations.ts';
import { validateImageSpaces } from './containers.ts';
import { type PodPolicy, type PodValidationOptions, podOptions } from './options.ts';
import { validateAppArmorAgreement, validateSeccompAgreement } from './profiles.ts';
import { validatePodSpec } from './spec.ts';

export const SPEC = Path.of('spec');
const METADATA = Path.of('metadata');

export function validatePodCreate(policy: PodPolicy, pod: Pod): ErrorList {
  const { spec } = pod;
  const errors = validatePodContent(pod, podOptions(policy));
  if (spec.ephemeralContainers?.length)
    errors.push(forbidden(SPEC.child('ephemeralContainers'), 'cannot be set on create'));
  if (spec.nodeName && spec.schedulingGates?.length)
    errors.push(forbidden(SPEC.child('nodeName'), 'cannot be set until all schedulingGates have been cleared'));
  return [...errors, ...validateSeccompAgreement(pod, SPEC), ...validateAppArmorAgreement(pod, SPEC)];
}

/** What holds for a pod at any time, its metadata apart. */
export function validatePodContent(pod: Pod, options: PodValidationOptions): ErrorList {
  const { metadata, spec } = pod;
  return [
    ...validatePodAnnotations(metadata.annotations ?? {}, spec, options, METADATA.child('annotations')),
    ...validatePodSpec(spec, metadata, options, SPEC),
    ...validateTokenVolumes(pod),
    ...(spec.containers ?? []).flatMap((c, i) => validateImageSpaces(c, SPEC.child('containers').index(i))),
    ...(spec.initContainers ?? []).flatMap((c, i) => validateImageSpaces(c, SPEC.child('initContainers').index(i))),
  ];
}

/** The same with metadata, and what may not change of it: of views that are refused for other reasons alone. */
export function validateWholePod(pod: Pod, old: Pod, options: PodValidationOptions): ErrorList {
  return [
    ...validateKubeObjectMetaUpdate(pod.metadata, old.metadata, METADATA),
    ...validateKubeObjectMeta(pod.metadata, true, nameIsDNSSubdomain, METADATA),
    ...validatePodContent(pod, options),
  ];
}

/** Tokens are those of an account. */
function validateTokenVolumes({ spec }: Pod): ErrorList {
  if (spec.serviceAccountName) return [];
  return (spec.volumes ?? []).flatMap(({ projected }, i) =>
    (projected?.sources ?? []).flatMap(({ serviceAccountToken }, j) =>
      serviceAccountToken
        ? [
            forbidden(
              SPEC.child('volumes').index(i).child('projected', 'sources').index(j).child('serviceAccountToken'),
              'must not be specified when serviceAccountName is not set',
            ),
          ]
        : [],
    ),
  );
}
