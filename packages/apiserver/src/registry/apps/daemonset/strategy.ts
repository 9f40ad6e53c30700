import { semanticEqual } from '@keelson/api/codec/equality';
import { Path } from '@keelson/api/field';
import type { DaemonSet } from '@keelson/api/generated/types/apps/v1';
import { structType } from '@keelson/api/schema';
import { dropDisabledTemplateFields } from '../../core/pod/disabledfields.ts';
import { type PodPolicy, templateOptions } from '../../core/pod/validation/options.ts';
import { warningsForTemplate } from '../../core/pod/warnings.ts';
import { startGeneration } from '../../generation.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { hasInvalidLabelValue } from '../../validation/labelselector.ts';
import { defaults } from './defaults.ts';
import { setTemplateGeneration, templateGeneration } from './templategeneration.ts';
import { validateSpec, validateStatus, validateUpdate } from './validation.ts';

const TEMPLATE_TYPE = structType('io.k8s.api.core.v1.PodTemplateSpec');
const SPEC_TYPE = structType('io.k8s.api.apps.v1.DaemonSetSpec');
const TEMPLATE = Path.of('spec', 'template');

export function makeStrategy(policy: PodPolicy): Strategy<DaemonSet> {
  return {
    defaults,
    prepareForCreate(_ctx, obj) {
      obj.status = {
        currentNumberScheduled: 0,
        numberMisscheduled: 0,
        desiredNumberScheduled: 0,
        numberReady: 0,
      };
      startGeneration(obj);
      if (templateGeneration(obj) < 1n) setTemplateGeneration(obj, 1n);
      dropDisabledTemplateFields(policy, obj.spec.template);
    },
    validate: (_ctx, obj) => validateSpec(obj, templateOptions(policy)),
    warningsOnCreate: (_ctx, { spec }) => warningsForTemplate(spec.template, TEMPLATE),
    prepareForUpdate(_ctx, obj, old) {
      dropDisabledTemplateFields(policy, obj.spec.template, old.spec.template);
      obj.status = old.status;
      const changed = !semanticEqual(obj.spec.template, old.spec.template, TEMPLATE_TYPE);
      setTemplateGeneration(obj, templateGeneration(old) + (changed ? 1n : 0n));
      if (!semanticEqual(obj.spec, old.spec, SPEC_TYPE)) obj.metadata.generation = (old.metadata.generation ?? 0) + 1;
    },
    validateUpdate(_ctx, obj, old) {
      const options = templateOptions(policy, old.spec.template);
      const allowInvalidLabelValueInSelector =
        options.allowInvalidLabelValueInSelector || hasInvalidLabelValue(old.spec.selector);
      return validateUpdate(obj, old, { ...options, allowInvalidLabelValueInSelector });
    },
    warningsOnUpdate: (_ctx, obj, old) =>
      templateGeneration(obj) === templateGeneration(old) ? [] : warningsForTemplate(obj.spec.template, TEMPLATE),
    resetFields: { 'apps/v1': { 'f:status': {} } },
  };
}

export const status: ViewSubresource<DaemonSet> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
      setTemplateGeneration(obj, templateGeneration(old));
    },
    validateUpdate: (_ctx, obj, old) => validateStatus(obj.status, old.status),
    warningsOnUpdate: () => [],
    resetFields: { 'apps/v1': { 'f:spec': {} } },
  },
};
