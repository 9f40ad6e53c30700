import { Path } from '@keelson/api/field';
import type { ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import { structType } from '@keelson/api/schema';
import { dropDisabledTemplateFields } from '../../core/pod/disabledfields.ts';
import { type PodPolicy, templateOptions } from '../../core/pod/validation/options.ts';
import { warningsForTemplate } from '../../core/pod/warnings.ts';
import { dropDisabledFields } from '../../gatedfields.ts';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import { warningsForPodNames } from '../../podnames.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { validateReplicaStatus } from '../../validation/counts.ts';
import { STATUS_FIELDS } from '../replicas.ts';
import { defaults } from './defaults.ts';
import { validateSpec, validateUpdate } from './validation.ts';

const SPEC_TYPE = structType('io.k8s.api.apps.v1.ReplicaSetSpec');
const TEMPLATE = Path.of('spec', 'template');

export function makeStrategy(policy: PodPolicy): Strategy<ReplicaSet> {
  return {
    defaults,
    prepareForCreate(_ctx, obj) {
      obj.status = { replicas: 0 };
      startGeneration(obj);
      dropDisabledTemplateFields(policy, obj.spec.template);
    },
    validate: (_ctx, obj) => validateSpec(obj, templateOptions(policy)),
    warningsOnCreate: (_ctx, { metadata, spec }) => [
      ...warningsForPodNames(metadata.name ?? ''),
      ...warningsForTemplate(spec.template, TEMPLATE),
    ],
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
      dropDisabledTemplateFields(policy, obj.spec.template, old.spec.template);
      bumpGeneration(obj, old, 'spec', SPEC_TYPE);
    },
    validateUpdate: (_ctx, obj, old) => validateUpdate(obj, old, templateOptions(policy, old.spec.template)),
    warningsOnUpdate: (_ctx, { metadata, spec }, old) =>
      metadata.generation === old.metadata.generation ? [] : warningsForTemplate(spec.template, TEMPLATE),
    selectableFields: ({ status }) => ({ 'status.replicas': String(status.replicas) }),
    resetFields: { 'apps/v1': { 'f:status': {} } },
  };
}

export const makeStatus = ({ isEnabled }: PodPolicy): ViewSubresource<ReplicaSet> => ({
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
      dropDisabledFields(STATUS_FIELDS, isEnabled, obj.status, old.status);
    },
    validateUpdate: (_ctx, obj) => validateReplicaStatus(obj.status),
    warningsOnUpdate: () => [],
    resetFields: { 'apps/v1': { 'f:spec': {} } },
  },
});
