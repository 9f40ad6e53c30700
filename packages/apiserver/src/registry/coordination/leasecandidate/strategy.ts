import type { LeaseCandidate } from '@keelson/api/generated/types/coordination/v1beta1';
import { isConfigMapKey } from '@keelson/api/validation/names';
import type { Strategy } from '../../strategy.ts';
import { validateLeaseCandidate, validateLeaseCandidateUpdate } from './validation.ts';

export const strategy: Strategy<LeaseCandidate> = {
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
  metadataRules: 'generic',
  validateName: (name) => isConfigMapKey(name),
  validate: (_ctx, obj) => validateLeaseCandidate(obj),
  validateUpdate: (_ctx, obj, old) => validateLeaseCandidateUpdate(obj, old),
};
