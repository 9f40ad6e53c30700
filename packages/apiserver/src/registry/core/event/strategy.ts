import type { Event } from '@keelson/api/generated/types/core/v1';
import type { Strategy } from '../../strategy.ts';
import { validateLegacyEvent } from './validation.ts';

/** @param ttlSeconds how long events are kept */
export function eventStrategy(ttlSeconds: number): Strategy<Event> {
  return {
    allowCreateOnUpdate: true,
    defaultGarbageCollectionPolicy: 'Unsupported',
    metadataRules: 'none',
    validate: (_ctx, obj) => validateLegacyEvent(obj, 'reportingComponent'),
    validateUpdate: (_ctx, obj) => validateLegacyEvent(obj, 'reportingComponent'),
    ttlSeconds: () => ttlSeconds,
    selectableFields: (obj) => ({
      ...aboutFields(obj),
      reason: obj.reason ?? '',
      reportingComponent: obj.reportingComponent ?? '',
      source: obj.source?.component || (obj.reportingComponent ?? ''),
      type: obj.type ?? '',
    }),
  };
}

function aboutFields({ involvedObject: about }: Event): Record<string, string> {
  const names = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'] as const;
  return Object.fromEntries(names.map((name) => [`involvedObject.${name}`, about?.[name] ?? '']));
}
