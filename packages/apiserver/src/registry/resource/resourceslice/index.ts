import type { ResourceSlice } from '@keelson/api/generated/types/resource/v1';
import type { IsEnabled } from '../../../gates.ts';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { KindRegistration, TableConvertor } from '../../strategy.ts';
import { convertsSpec, STORED_AS, sliceFromStored, sliceToStored } from '../v1beta1.ts';
import { makeStrategy } from './strategy.ts';

const table: TableConvertor<ResourceSlice> = {
  columns: [
    nameColumn,
    column('Node', 'string', 'resource.v1.ResourceSliceSpec.nodeName'),
    column('Driver', 'string', 'resource.v1.ResourceSliceSpec.driver'),
    column('Pool', 'string', 'resource.v1.ResourcePool.name'),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [obj.metadata.name ?? '', obj.spec.nodeName ?? '', obj.spec.driver, obj.spec.pool.name, age(obj)],
  }),
};

export const makeResourceSliceRegistration = (isEnabled: IsEnabled): KindRegistration<ResourceSlice> => ({
  strategy: makeStrategy(isEnabled),
  table,
  storedAs: STORED_AS,
  conversions: { v1beta1: convertsSpec(sliceToStored, sliceFromStored) },
  fieldLabels: {
    supported: ['metadata.name', 'spec.nodeName', 'spec.driver'],
    unsupported: (label) => `field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: ${label}`,
  },
});
