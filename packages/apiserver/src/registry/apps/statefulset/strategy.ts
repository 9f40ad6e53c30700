import { Path } from '@keelson/api/field';
import type { StatefulSet } from '@keelson/api/generated/types/apps/v1';
import { structType } from '@keelson/api/schema';
import { nameIsDNSLabel } from '@keelson/api/validation/names';
import { dropDisabledTemplateFields } from '../../core/pod/disabledfields.ts';
import { type PodPolicy, templateOptions } from '../../core/pod/validation/options.ts';
import { warningsForTemplate } from '../../core/pod/warnings.ts';
import { dropDisabledFields, fieldsOf, type GatedFields } from '../../gatedfields.ts';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { warningsForClaimSpec } from '../../validation/claimspec.ts';
import { defaults } from './defaults.ts';
import { validateCreate, validateStatus, validateUpdate } from './validation.ts';

const SPEC_TYPE = structType('io.k8s.api.apps.v1.StatefulSetSpec');
const TEMPLATE = Path.of('spec', 'template');
const CLAIMS = Path.of('spec', 'volumeClaimTemplates');

const MAX_UNAVAILABLE = 'MaxUnavailableStatefulSet';

const GATED: readonly GatedFields<StatefulSet>[] = [
  [MAX_UNAVAILABLE, fieldsOf(({ spec: { updateStrategy } }) => [updateStrategy.rollingUpdate ?? {}], 'maxUnavailable')],
];

export function makeStrategy(policy: PodPolicy): Strategy<StatefulSet> {
  return {
    validateName: nameIsDNSLabel,
    defaults: (obj) => defaults(obj, policy.isEnabled(MAX_UNAVAILABLE)),
    prepareForCreate(_ctx, obj) {
      obj.status = { replicas: 0, availableReplicas: 0 };
      startGeneration(obj);
      dropDisabledFields(GATED, policy.isEnabled, obj, undefined);
      dropDisabledTemplateFields(policy, obj.spec.template);
    },
    validate: (_ctx, obj) => validateCreate(obj, templateOptions(policy)),
    warningsOnCreate: (_ctx, obj) => [
      ...warningsForTemplate(obj.spec.template, TEMPLATE),
      ...(obj.spec.volumeClaimTemplates ?? []).flatMap(({ spec }, i) => warningsForClaimSpec(spec, CLAIMS.index(i))),
      ...warningsForHistory(obj),
    ],
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
      dropDisabledFields(GATED, policy.isEnabled, obj, old);
      dropDisabledTemplateFields(policy, obj.spec.template, old.spec.template);
      bumpGeneration(obj, old, 'spec', SPEC_TYPE);
    },
    validateUpdate: (_ctx, obj, old) => validateUpdate(obj, old, templateOptions(policy, old.spec.template)),
    warningsOnUpdate: (_ctx, obj, old) => [
      ...(obj.metadata.generation === old.metadata.generation ? [] : warningsForTemplate(obj.spec.template, TEMPLATE)),
      ...(obj.spec.volumeClaimTemplates ?? []).flatMap(({ spec }, i) =>
        warningsForClaimSpec(spec, CLAIMS.index(i).child('Spec')),
      ),
      ...warningsForHistory(obj),
    ],
    resetFields: { 'apps/v1': { 'f:status': {} } },
  };
}

function warningsForHistory({ spec }: StatefulSet): string[] {
  if ((spec.revisionHistoryLimit ?? 0) >= 0) return [];
  return ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended'];
}

export const status: ViewSubresource<StatefulSet> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
    },
    validateUpdate: (_ctx, obj, old) => validateStatus(obj.status, old.status),
    warningsOnUpdate: () => [],
    resetFields: { 'apps/v1': { 'f:spec': {} } },
  },
};
