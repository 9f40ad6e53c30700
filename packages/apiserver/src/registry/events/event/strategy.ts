import type { Event } from '@keelson/api/generated/types/core/v1';
import { eventStrategy } from '../../core/event/strategy.ts';
import { validateLegacyEvent, validateStrictEvent, validateStrictEventUpdate } from '../../core/event/validation.ts';
import type { Strategy } from '../../strategy.ts';

export function strictEventStrategy(ttlSeconds: number): Strategy<Event> {
  return {
    ...eventStrategy(ttlSeconds),
    metadataRules: 'kube',
    validate: (_ctx, obj) => [...validateLegacyEvent(obj, 'reportingController'), ...validateStrictEvent(obj)],
    validateUpdate: (_ctx, obj, old) => [
      ...validateLegacyEvent(obj, 'reportingController'),
      ...validateStrictEventUpdate(obj, old),
    ],
  };
}
