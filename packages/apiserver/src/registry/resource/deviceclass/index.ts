import type { DeviceClass } from '@keelson/api/generated/types/resource/v1';
import { structType } from '@keelson/api/schema';
import { isLongName } from '@keelson/api/validation/names';
import type { IsEnabled } from '../../../gates.ts';
import { age, ageColumn, nameColumn } from '../../columns.ts';
import { dropDisabledFields, fieldsOf, type GatedFields } from '../../gatedfields.ts';
import { bumpGeneration, startGeneration } from '../../generation.ts';
import type { KindRegistration } from '../../strategy.ts';
import { validateDeviceClass } from './validation.ts';

const SPEC_TYPE = structType('io.k8s.api.resource.v1.DeviceClassSpec');

const GATED: readonly GatedFields<DeviceClass>[] = [
  ['DRAExtendedResource', fieldsOf(({ spec }) => [spec], 'extendedResourceName')],
];

export const makeDeviceClassRegistration = (isEnabled: IsEnabled): KindRegistration<DeviceClass> => ({
  strategy: {
    returnDeletedObject: true,
    validateName: (name, prefix) => (prefix ? [] : isLongName(name)),
    prepareForCreate(_ctx, obj) {
      startGeneration(obj);
      dropDisabledFields(GATED, isEnabled, obj, undefined);
    },
    validate: (_ctx, obj) => validateDeviceClass(obj),
    prepareForUpdate(_ctx, obj, old) {
      bumpGeneration(obj, old, 'spec', SPEC_TYPE);
      dropDisabledFields(GATED, isEnabled, obj, old);
    },
    updateChecks: ['new metadata', 'metadata', 'kind'],
    validateUpdate: (_ctx, obj, old) => validateDeviceClass(obj, old),
  },
  table: {
    columns: [nameColumn, ageColumn],
    row: (obj) => ({ cells: [obj.metadata.name ?? '', age(obj)] }),
  },
});
