import { Path } from '@keelson/api/field';
import type { ReplicationController } from '@keelson/api/generated/types/core/v1';
import { structType } from '@keelson/api/schema';
import { isLongName } from '@keelson/api/validation/names';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import { warningsForPodNames } from '../../podnames.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { validateReplicaStatus } from '../../validation/counts.ts';
import { dropDisabledTemplateFields } from '../pod/disabledfields.ts';
import { type PodPolicy, templateOptions } from '../pod/validation/options.ts';
import { warningsForTemplate } from '../pod/warnings.ts';
import { defaults } from './defaults.ts';
import { validateNonConvertible, validateSpec } from './validation.ts';

const SPEC_TYPE = structType('io.k8s.api.core.v1.ReplicationControllerSpec');
const TEMPLATE = Path.of('spec', 'template');

export function makeStrategy(policy: PodPolicy): Strategy<ReplicationController> {
  return {
    defaultGarbageCollectionPolicy: 'OrphanDependents',
    validateName: (name, prefix) => (prefix ? [] : isLongName(name)),
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
    validateUpdate: (_ctx, obj, old) => [
      ...validateSpec(obj, templateOptions(policy, old.spec.template)),
      ...validateNonConvertible(obj, old),
    ],
    // Upstream passes the old template where the new one belongs.
    warningsOnUpdate: (_ctx, { metadata }, old) =>
      metadata.generation === old.metadata.generation ? [] : warningsForTemplate(old.spec.template, TEMPLATE),
    selectableFields: ({ status }) => ({ 'status.replicas': String(status.replicas) }),
    resetFields: { v1: { 'f:status': {} } },
  };
}

export const status: ViewSubresource<ReplicationController> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
      // Its labels are those of the template that it really has.
      defaults(obj);
    },
    validateUpdate: (_ctx, obj) => validateReplicaStatus(obj.status),
    warningsOnUpdate: () => [],
    resetFields: { v1: { 'f:spec': {} } },
  },
};
