import type { FlowSchema } from '@keelson/api/generated/types/flowcontrol/v1';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { Strategy } from '../../strategy.ts';
import { flowControlStatus } from '../statusview.ts';
import { validateFlowSchema } from './validation.ts';

const DEFAULT_MATCHING_PRECEDENCE = 1000;

export const strategy: Strategy<FlowSchema> = {
  defaults({ spec }) {
    spec.matchingPrecedence ||= DEFAULT_MATCHING_PRECEDENCE;
  },
  prepareForCreate(_ctx, obj) {
    obj.status = {};
    startGeneration(obj);
  },
  validate: (_ctx, obj) => validateFlowSchema(obj),
  prepareForUpdate(_ctx, obj, old) {
    bumpGeneration(obj, old, 'spec');
    obj.status = old.status;
  },
  updateChecks: ['new metadata', 'kind'],
  validateUpdate: (_ctx, obj) => validateFlowSchema(obj),
  resetFields: { 'flowcontrol.apiserver.k8s.io/v1': { 'f:status': {} } },
};

export const status = flowControlStatus<FlowSchema>();
