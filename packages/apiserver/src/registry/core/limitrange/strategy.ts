import { randomUUID } from 'node:crypto';
import type { LimitRange } from '@keelson/api/generated/types/core/v1';
import type { Strategy } from '../../strategy.ts';
import { defaults } from './defaults.ts';
import { validateLimitRange } from './validation.ts';

/** @param uuid names the ranges that come without a name */
export function limitRangeStrategy(uuid: () => string = randomUUID): Strategy<LimitRange> {
  return {
    allowCreateOnUpdate: true,
    defaults,
    prepareForCreate(_ctx, { metadata }) {
      metadata.name ||= uuid();
    },
    validate: (_ctx, obj) => validateLimitRange(obj),
    updateChecks: ['new metadata', 'kind'],
    validateUpdate: (_ctx, obj) => validateLimitRange(obj),
  };
}
