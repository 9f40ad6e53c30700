import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid, Path } from '@keelson/api/field';
import type { PodGroup, PodGroupTemplateReference } from '@keelson/api/generated/types/scheduling/v1alpha2';
import { validateConditions } from '../../validation/conditions.ts';
import { immutable, validateRequiredName, validateSchedulingPolicy } from '../policy.ts';

const SPEC = Path.of('spec');
const STATUS = Path.of('status');
const FIELDS = [
  'podGroupTemplateRef',
  'schedulingPolicy',
  'schedulingConstraints',
  'resourceClaims',
  'disruptionMode',
  'priorityClassName',
  'priority',
] as const;
const IMMUTABLE: ReadonlySet<string> = new Set(['podGroupTemplateRef', 'schedulingPolicy', 'resourceClaims']);

export function validatePodGroup({ spec }: PodGroup): ErrorList {
  return [
    ...(spec.podGroupTemplateRef ? validateTemplateRef(spec.podGroupTemplateRef) : []),
    ...validateSchedulingPolicy(spec.schedulingPolicy, SPEC.child('schedulingPolicy')),
  ];
}

function validateTemplateRef({ workload }: PodGroupTemplateReference): ErrorList {
  const path = SPEC.child('podGroupTemplateRef');
  if (!workload) return [invalid(path, '', 'must specify one of: `workload`')];
  const at = path.child('workload');
  return [
    ...validateRequiredName(workload.workloadName, 'long', at.child('workloadName')),
    ...validateRequiredName(workload.podGroupTemplateName, 'short', at.child('podGroupTemplateName')),
  ];
}

/** Fields that whoever has them keeps, or gives up: those of gates that are off may not become something else. */
export function validatePodGroupUpdate({ spec }: PodGroup, { spec: old }: PodGroup): ErrorList {
  return FIELDS.filter((field) => !semanticEqual(spec[field], old[field])).flatMap((field) => {
    if (IMMUTABLE.has(field)) return immutable(SPEC.child(field));
    return spec[field] == null ? [] : [forbidden(SPEC.child(field), '')];
  });
}

export function validatePodGroupStatus({ spec, status }: PodGroup): ErrorList {
  const claims = new Set(spec.resourceClaims?.map((claim) => claim.name));
  return [
    ...validateConditions(status.conditions, STATUS.child('conditions')),
    ...(status.resourceClaimStatuses ?? []).flatMap(({ name }, i) =>
      claims.has(name)
        ? []
        : [
            invalid(
              STATUS.child('resourceClaimStatuses').index(i).child('name'),
              name,
              'must match the name of an entry in `spec.resourceClaims`',
            ),
          ],
    ),
  ];
}
