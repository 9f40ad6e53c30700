import type { DeviceClass } from '@keelson/api/generated/types/resource/v1';
import { age, ageColumn, nameColumn } from '../../columns.ts';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { KindRegistration } from '../../strategy.ts';

export const registration: KindRegistration<DeviceClass> = {
  strategy: {
    returnDeletedObject: true,
    prepareForCreate: (_ctx, obj) => startGeneration(obj),
    prepareForUpdate: (_ctx, obj, old) => bumpGeneration(obj, old, 'spec'),
    validatesMetadataOnUpdate: true,
  },
  table: {
    columns: [nameColumn, ageColumn],
    row: (obj, now) => ({ cells: [obj.metadata.name ?? '', age(obj, now)] }),
  },
};
