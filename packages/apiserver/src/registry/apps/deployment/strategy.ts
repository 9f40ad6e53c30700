import { semanticEqual } from '@keelson/api/codec/equality';
import { Path } from '@keelson/api/field';
import type { Deployment } from '@keelson/api/generated/types/apps/v1';
import { structType } from '@keelson/api/schema';
import { dropDisabledTemplateFields } from '../../core/pod/disabledfields.ts';
import { type PodPolicy, templateOptions } from '../../core/pod/validation/options.ts';
import { warningsForTemplate } from '../../core/pod/warnings.ts';
import { dropDisabledFields } from '../../gatedfields.ts';
import { startGeneration } from '../../generation.ts';
import { warningsForPodNames } from '../../podnames.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { STATUS_FIELDS } from '../replicas.ts';
import { defaults } from './defaults.ts';
import { validateSpec, validateStatus, validateUpdate } from './validation.ts';

const SPEC_TYPE = structType('io.k8s.api.apps.v1.DeploymentSpec');
const TEMPLATE = Path.of('spec', 'template');

export function makeStrategy(policy: PodPolicy): Strategy<Deployment> {
  return {
    defaults,
    prepareForCreate(_ctx, obj) {
      obj.status = {};
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
      // Annotations count too: they go on to the replica sets.
      const same =
        semanticEqual(obj.spec, old.spec, SPEC_TYPE) &&
        semanticEqual(obj.metadata.annotations ?? {}, old.metadata.annotations ?? {});
      if (!same) obj.metadata.generation = (old.metadata.generation ?? 0) + 1;
    },
    validateUpdate: (_ctx, obj, old) => validateUpdate(obj, old, templateOptions(policy, old.spec.template)),
    warningsOnUpdate: (_ctx, { metadata, spec }, old) =>
      metadata.generation === old.metadata.generation ? [] : warningsForTemplate(spec.template, TEMPLATE),
    resetFields: { 'apps/v1': { 'f:status': {} } },
  };
}

export const makeStatus = ({ isEnabled }: PodPolicy): ViewSubresource<Deployment> => ({
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
      dropDisabledFields(STATUS_FIELDS, isEnabled, obj.status, old.status);
      if (old.metadata.labels) obj.metadata.labels = old.metadata.labels;
      else delete obj.metadata.labels;
    },
    validateUpdate: (_ctx, obj, old) => validateStatus(obj.status, old.status),
    warningsOnUpdate: () => [],
    resetFields: { 'apps/v1': { 'f:spec': {}, 'f:metadata': { 'f:labels': {} } } },
  },
});
