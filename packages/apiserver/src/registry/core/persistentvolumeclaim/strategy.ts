import { Path } from '@keelson/api/field';
import type { PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import { roundToMilli } from '@keelson/api/resources/list';
import type { IsEnabled } from '../../../gates.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { warningsForClaimSpec } from '../../validation/claimspec.ts';
import { alignDataSources, prepareDataSources } from './datasources.ts';
import { validateClaimUpdate } from './immutable.ts';
import { validateClaim, validateClaimStatusUpdate } from './validation.ts';

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

export function makeStrategy(isEnabled: IsEnabled): Strategy<PersistentVolumeClaim> {
  const fromAnywhere = isEnabled('CrossNamespaceVolumeDataSource');
  return {
    returnDeletedObject: true,
    complete: ({ spec }) => alignDataSources(spec),
    defaults({ spec, status }) {
      status.phase ||= 'Pending';
      spec.volumeMode ??= 'Filesystem';
      for (const list of [spec.resources?.limits, spec.resources?.requests, status.capacity, status.allocatedResources])
        roundToMilli(list);
    },
    prepareForCreate(_ctx, obj) {
      obj.status = { phase: 'Pending' };
      prepareDataSources(obj.spec, undefined, fromAnywhere);
    },
    validate: (_ctx, obj) => validateClaim(obj),
    warningsOnCreate: (_ctx, obj) => warnings(obj),
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
      prepareDataSources(obj.spec, old.spec, fromAnywhere);
      alignDataSources(old.spec);
    },
    updateChecks: ['metadata', 'new metadata', 'kind'],
    validateUpdate: (_ctx, obj, old) => validateClaimUpdate(obj, old),
    warningsOnUpdate: (_ctx, obj) => warnings(obj),
    resetFields: { v1: { 'f:status': {} } },
  };
}

export const status: ViewSubresource<PersistentVolumeClaim> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, obj, old) {
      obj.spec = old.spec;
    },
    validateUpdate: (_ctx, obj) => validateClaimStatusUpdate(obj),
    resetFields: { v1: { 'f:spec': {} } },
  },
};

function warnings({ metadata, spec }: PersistentVolumeClaim): string[] {
  const deprecated = `metadata.annotations[${CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`;
  return [
    ...(metadata.annotations?.[CLASS_ANNOTATION] === undefined ? [] : [deprecated]),
    ...warningsForClaimSpec(spec, Path.of('spec')),
  ];
}
