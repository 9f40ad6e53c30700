import { Path } from '@keelson/api/field';
import type { PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import { roundToMilli } from '@keelson/api/resources/list';
import type { IsEnabled } from '../../../gates.ts';
import { dropDisabledFields, fieldsOf, type GatedFields } from '../../gatedfields.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { warningsForClaimSpec } from '../../validation/claimspec.ts';
import { alignDataSources, prepareDataSources } from './datasources.ts';
import { validateClaimUpdate } from './immutable.ts';
import { validateClaim, validateClaimStatusUpdate } from './validation.ts';

const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';

const GATED: readonly GatedFields<PersistentVolumeClaim>[] = [
  ['VolumeAttributesClass', fieldsOf(({ spec }) => [spec], 'volumeAttributesClassName')],
];

const GATED_STATUS: readonly GatedFields<PersistentVolumeClaim>[] = [
  ['VolumeAttributesClass', fieldsOf(({ status }) => [status], 'currentVolumeAttributesClassName')],
  ['VolumeAttributesClass', fieldsOf(({ status }) => [status], 'modifyVolumeStatus')],
];

export function makeStrategy(isEnabled: IsEnabled): Strategy<PersistentVolumeClaim> {
  const fromAnywhere = isEnabled('CrossNamespaceVolumeDataSource');
  const mayChangeClass = isEnabled('VolumeAttributesClass');
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
      dropDisabledFields(GATED, isEnabled, obj, undefined);
      prepareDataSources(obj.spec, undefined, fromAnywhere);
    },
    validate: (_ctx, obj) => validateClaim(obj),
    warningsOnCreate: (_ctx, obj) => warnings(obj),
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
      dropDisabledFields(GATED, isEnabled, obj, old);
      prepareDataSources(obj.spec, old.spec, fromAnywhere);
      alignDataSources(old.spec);
    },
    updateChecks: ['metadata', 'new metadata', 'kind'],
    validateUpdate: (_ctx, obj, old) => validateClaimUpdate(obj, old, mayChangeClass),
    warningsOnUpdate: (_ctx, obj) => warnings(obj),
    resetFields: { v1: { 'f:status': {} } },
  };
}

export function makeStatus(isEnabled: IsEnabled): ViewSubresource<PersistentVolumeClaim> {
  return {
    type: 'view',
    strategy: {
      prepareForUpdate(_ctx, obj, old) {
        obj.spec = old.spec;
        dropDisabledFields(GATED_STATUS, isEnabled, obj, old);
      },
      validateUpdate: (_ctx, obj) => validateClaimStatusUpdate(obj),
      resetFields: { v1: { 'f:spec': {} } },
    },
  };
}

function warnings({ metadata, spec }: PersistentVolumeClaim): string[] {
  const deprecated = `metadata.annotations[${CLASS_ANNOTATION}]: deprecated since v1.8; use "storageClassName" attribute instead`;
  return [
    ...(metadata.annotations?.[CLASS_ANNOTATION] === undefined ? [] : [deprecated]),
    ...warningsForClaimSpec(spec, Path.of('spec')),
  ];
}
