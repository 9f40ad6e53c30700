import type { ServerStorageVersion, StorageVersion } from '@keelson/api/generated/types/apiserverinternal/v1alpha1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import { statusView } from '../../statusview.ts';
import type { KindRegistration, TableConvertor } from '../../strategy.ts';
import { storageVersionNameProblems, validateStorageVersionStatus } from './validation.ts';

const VERSION = 'internal.apiserver.k8s.io/v1alpha1';
const STATUS = 'apiserverinternal.v1alpha1.StorageVersionStatus';
const MAX_SHOWN = 3;

const table: TableConvertor<StorageVersion> = {
  columns: [
    nameColumn,
    column('CommonEncodingVersion', 'string', `${STATUS}.commonEncodingVersion`),
    column('StorageVersions', 'string', `${STATUS}.storageVersions`),
    ageColumn,
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      obj.status.commonEncodingVersion ?? '<unset>',
      summary(obj.status.storageVersions ?? []),
      age(obj),
    ],
  }),
};

function summary(versions: readonly ServerStorageVersion[]): string {
  const shown = versions
    .slice(0, MAX_SHOWN)
    .map(({ apiServerID = '', encodingVersion = '' }) => `${apiServerID}=${encodingVersion}`)
    .join(',');
  return versions.length > MAX_SHOWN ? `${shown} + ${versions.length - MAX_SHOWN} more...` : shown;
}

export const registration: KindRegistration<StorageVersion> = {
  strategy: {
    allowUnconditionalUpdate: false,
    validateName: storageVersionNameProblems,
    prepareForCreate(_ctx, obj) {
      obj.status = {};
    },
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
    },
    // Upstream looks at what changes in all kinds alone.
    updateChecks: [],
    resetFields: { [VERSION]: { 'f:status': {} } },
  },
  table,
  subresources: {
    status: statusView([VERSION], {
      updateChecks: ['kind'],
      validateUpdate: (_ctx, obj) => validateStorageVersionStatus(obj),
    }),
  },
};
