/** Changes that would only renew the times in managedFields are no changes (managedfields IgnoreManagedFieldsTimestamps). */
import type { KubeObject } from '@keelson/api/object';
import { semanticEqual } from './validation/fields.ts';

/** Gives `object` the old times where nothing but them differs from `old`. */
export function ignoreManagedFieldsTimestamps(object: KubeObject, old: KubeObject): void {
  const entries = object.metadata.managedFields;
  const oldEntries = old.metadata.managedFields;
  if (!entries || !oldEntries || entries.length !== oldEntries.length) return;
  const withOldTimes = entries.map((entry, i) => {
    const time = oldEntries[i]!.time;
    const { time: _, ...rest } = entry;
    return time === undefined ? rest : { ...rest, time };
  });
  if (!semanticEqual(withOldTimes, oldEntries)) return;
  const candidate = { ...object, metadata: { ...object.metadata, managedFields: oldEntries } };
  if (semanticEqual(candidate, old)) object.metadata.managedFields = oldEntries;
}
