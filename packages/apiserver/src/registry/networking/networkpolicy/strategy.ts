import type { NetworkPolicy } from '@keelson/api/generated/types/networking/v1';
import type { IsEnabled } from '../../../gates.ts';
import { bumpGenerationExactly, startGeneration } from '../../generation.ts';
import type { Strategy } from '../../strategy.ts';
import { validateNetworkPolicy, validateNetworkPolicyUpdate, warnings } from './validation.ts';

export const makeStrategy = (isEnabled: IsEnabled): Strategy<NetworkPolicy> => ({
  defaults({ spec }) {
    for (const rule of [...(spec.ingress ?? []), ...(spec.egress ?? [])])
      for (const port of rule.ports ?? []) port.protocol ??= 'TCP';
    // Whoever names no types means ingress, and egress when there are rules for it.
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress'];
  },
  prepareForCreate: (_ctx, obj) => startGeneration(obj),
  validate: (_ctx, obj) => validateNetworkPolicy(obj, isEnabled),
  warningsOnCreate: (_ctx, obj) => warnings(obj),
  prepareForUpdate: (_ctx, obj, old) => bumpGenerationExactly(obj, old, 'spec'),
  validateUpdate: (_ctx, obj, old) => validateNetworkPolicyUpdate(obj, old, isEnabled),
  warningsOnUpdate: (_ctx, obj) => warnings(obj),
});
