import type { StorageVersionMigration } from '@keelson/api/generated/types/storagemigration/v1beta1';
import { column, nameColumn } from '../../columns.ts';
import { statusView } from '../../statusview.ts';
import type { KindRegistration, TableConvertor } from '../../strategy.ts';
import { validateMigration, validateMigrationStatus, validateMigrationUpdate } from './validation.ts';

const VERSION = 'storagemigration.k8s.io/v1beta1';
const STATES = ['Running', 'Succeeded', 'Failed'];

const table: TableConvertor<StorageVersionMigration> = {
  columns: [
    { ...nameColumn, format: '' },
    column('Resource', 'string', 'GroupResource to migrate'),
    column('Status', 'string', 'Status of the migration'),
  ],
  row({ metadata, spec, status }) {
    const { group, resource } = spec.resource;
    const state = status.conditions?.findLast((c) => c.status === 'True' && STATES.includes(c.type));
    return { cells: [metadata.name ?? '', group ? `${resource}.${group}` : resource, state?.type ?? 'Unknown'] };
  },
};

export const registration: KindRegistration<StorageVersionMigration> = {
  strategy: {
    allowUnconditionalUpdate: false,
    prepareForCreate(_ctx, obj) {
      obj.status = {};
    },
    validate: (_ctx, obj) => validateMigration(obj),
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
    },
    updateChecks: ['new metadata', 'kind'],
    validateUpdate: (_ctx, obj, old) => validateMigrationUpdate(obj, old),
    resetFields: { [VERSION]: { 'f:status': {} } },
  },
  table,
  subresources: {
    status: statusView([VERSION], {
      validateUpdate: (_ctx, obj, old) => validateMigrationStatus(obj, old),
    }),
  },
};
