import type { Endpoints } from '@keelson/api/generated/types/core/v1';
import type { IsEnabled } from '../../../gates.ts';
import type { Strategy } from '../../strategy.ts';
import { validateEndpoints, validateEndpointsUpdate, warnings } from './validation.ts';

export const makeStrategy = (isEnabled: IsEnabled): Strategy<Endpoints> => ({
  allowCreateOnUpdate: true,
  defaults(obj) {
    for (const port of (obj.subsets ?? []).flatMap((s) => s.ports ?? [])) port.protocol ||= 'TCP';
  },
  validate: (_ctx, obj) => validateEndpoints(obj, isEnabled),
  warningsOnCreate: (_ctx, obj) => warnings(obj),
  updateChecks: ['metadata', 'new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateEndpointsUpdate(obj, old, isEnabled),
  warningsOnUpdate: (_ctx, obj) => warnings(obj),
});
