import type { Endpoints } from '@keelson/api/generated/types/core/v1';
import type { Strategy } from '../../strategy.ts';
import { validateEndpoints, validateEndpointsUpdate, warnings } from './validation.ts';

export const strategy: Strategy<Endpoints> = {
  allowCreateOnUpdate: true,
  defaults(obj) {
    for (const port of (obj.subsets ?? []).flatMap((s) => s.ports ?? [])) port.protocol ||= 'TCP';
  },
  validate: (_ctx, obj) => validateEndpoints(obj),
  warningsOnCreate: (_ctx, obj) => warnings(obj),
  updateChecks: ['metadata', 'new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateEndpointsUpdate(obj, old),
  warningsOnUpdate: (_ctx, obj) => warnings(obj),
};
