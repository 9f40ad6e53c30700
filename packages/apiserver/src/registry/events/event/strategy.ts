import { Path } from '@keelson/api/field';
import type { Event } from '@keelson/api/generated/types/core/v1';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { eventStrategy } from '../../core/event/strategy.ts';
import { validateLegacyEvent, validateStrictEvent, validateStrictEventUpdate } from '../../core/event/validation.ts';
import type { Strategy } from '../../strategy.ts';
import { validateKubeObjectMeta, validateKubeObjectMetaUpdate } from '../../validation/objectmeta.ts';

const METADATA = Path.of('metadata');

/** What core's events are judged by comes first, then metadata. */
export function strictEventStrategy(ttlSeconds: number): Strategy<Event> {
  return {
    ...eventStrategy(ttlSeconds),
    validate: (_ctx, obj) => [
      ...validateLegacyEvent(obj, 'reportingController'),
      ...validateKubeObjectMeta(obj.metadata, true, nameIsDNSSubdomain, METADATA),
      ...validateStrictEvent(obj),
    ],
    validateUpdate: (_ctx, obj, old) => [
      ...validateLegacyEvent(obj, 'reportingController'),
      ...validateKubeObjectMetaUpdate(obj.metadata, old.metadata, METADATA),
      ...validateStrictEventUpdate(obj, old),
    ],
  };
}
