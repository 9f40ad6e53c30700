import { Path } from '@keelson/api/field';
import type { PodTemplate } from '@keelson/api/generated/types/core/v1';
import { structType } from '@keelson/api/schema';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { Strategy } from '../../strategy.ts';
import { dropDisabledTemplateFields } from '../pod/disabledfields.ts';
import { type PodPolicy, templateOptions } from '../pod/validation/options.ts';
import { validatePodTemplateSpec } from '../pod/validation/spec.ts';
import { warningsForTemplate } from '../pod/warnings.ts';
import { defaults } from './defaults.ts';

const TEMPLATE_TYPE = structType('io.k8s.api.core.v1.PodTemplateSpec');
const TEMPLATE = Path.of('template');

export function makeStrategy(policy: PodPolicy): Strategy<PodTemplate> {
  return {
    returnDeletedObject: true,
    defaults,
    prepareForCreate(_ctx, obj) {
      startGeneration(obj);
      dropDisabledTemplateFields(policy, obj.template);
    },
    validate: (_ctx, { template }) => validatePodTemplateSpec(template, templateOptions(policy), TEMPLATE),
    warningsOnCreate: (_ctx, { template }) => warningsForTemplate(template, TEMPLATE),
    prepareForUpdate(_ctx, obj, old) {
      dropDisabledTemplateFields(policy, obj.template, old.template);
      bumpGeneration(obj, old, 'template', TEMPLATE_TYPE);
    },
    validateUpdate: (_ctx, { template }, old) =>
      validatePodTemplateSpec(template, templateOptions(policy, old.template), TEMPLATE),
    warningsOnUpdate: (_ctx, { metadata, template }, old) =>
      metadata.generation === old.metadata.generation ? [] : warningsForTemplate(template, TEMPLATE),
  };
}
