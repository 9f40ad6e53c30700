import type { PriorityLevelConfiguration } from '@keelson/api/generated/types/flowcontrol/v1';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { Strategy } from '../../strategy.ts';
import { flowControlStatus } from '../statusview.ts';
import { validatePriorityLevel } from './validation.ts';

const DEFAULT_SHARES = 30;
const DEFAULT_QUEUING = { handSize: 8, queues: 64, queueLengthLimit: 50 };

export const strategy: Strategy<PriorityLevelConfiguration> = {
  defaults({ spec: { limited, exempt } }) {
    if (exempt) {
      exempt.nominalConcurrencyShares ??= 0;
      exempt.lendablePercent ??= 0;
    }
    if (!limited) return;
    limited.nominalConcurrencyShares ??= DEFAULT_SHARES;
    limited.lendablePercent ??= 0;
    const { queuing } = limited.limitResponse;
    if (!queuing) return;
    queuing.handSize ||= DEFAULT_QUEUING.handSize;
    queuing.queues ||= DEFAULT_QUEUING.queues;
    queuing.queueLengthLimit ||= DEFAULT_QUEUING.queueLengthLimit;
  },
  prepareForCreate(_ctx, obj) {
    obj.status = {};
    startGeneration(obj);
  },
  validate: (_ctx, obj) => validatePriorityLevel(obj),
  prepareForUpdate(_ctx, obj, old) {
    bumpGeneration(obj, old, 'spec');
    obj.status = old.status;
  },
  updateChecks: ['new metadata', 'kind'],
  validateUpdate: (_ctx, obj) => validatePriorityLevel(obj),
  resetFields: { 'flowcontrol.apiserver.k8s.io/v1': { 'f:status': {} } },
};

export const status = flowControlStatus<PriorityLevelConfiguration>();
