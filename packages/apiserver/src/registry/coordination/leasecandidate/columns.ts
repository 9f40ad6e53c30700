import type { LeaseCandidate } from '@keelson/api/generated/types/coordination/v1beta1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

export const table: TableConvertor<LeaseCandidate> = {
  columns: [
    nameColumn,
    column('LeaseName', 'string', 'coordination.v1alpha2.LeaseCandidateSpec.leaseName'),
    column('BinaryVersion', 'string', ''),
    column('EmulationVersion', 'string', ''),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      obj.spec.leaseName,
      obj.spec.binaryVersion,
      obj.spec.emulationVersion ?? '',
      age(obj),
    ],
  }),
};
