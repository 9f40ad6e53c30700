import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import type { Strategy } from '../../strategy.ts';
import { validateLease } from './validation.ts';

/** Strategy and preferred holder belong to coordinated leader election, which is off: they are kept where they are, not set anew. */
export const strategy: Strategy<Lease> = {
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  metadataRules: 'generic',
  prepareForCreate(_ctx, { spec }) {
    delete spec.strategy;
    delete spec.preferredHolder;
  },
  validate: (_ctx, obj) => validateLease(obj),
  prepareForUpdate(_ctx, { spec }, old) {
    if (old.spec.strategy === undefined) delete spec.strategy;
    if (old.spec.preferredHolder === undefined) delete spec.preferredHolder;
  },
  validateUpdate: (_ctx, obj) => validateLease(obj),
};
