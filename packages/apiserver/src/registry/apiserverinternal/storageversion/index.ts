import type { StorageVersion } from '@keelson/api/generated/types/apiserverinternal/v1alpha1';
import { age, ageColumn, column, firstFew, nameColumn } from '../../columns.ts';
import { statusView } from '../../statusview.ts';
import type { KindRegistration, TableConvertor } from '../../strategy.ts';
import { storageVersionNameProblems, validateStorageVersionStatus } from './validation.ts';

const VERSION = 'internal.apiserver.k8s.io/v1alpha1';
const STATUS = 'apiserverinternal.v1alpha1.StorageVersionStatus';

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
      firstFew(
        (obj.status.storageVersions ?? []).map(
          ({ apiServerID = '', encodingVersion = '' }) => `${apiServerID}=${encodingVersion}`,
        ),
      ),
      age(obj),
    ],
  }),
};

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
