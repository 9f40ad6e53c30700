import { type ErrorList, Path } from '@keelson/api/field';
import type { ResourceClaim, ResourceClaimStatus } from '@keelson/api/generated/types/resource/v1';
import { resetIn, statusView } from '../../statusview.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { type NamespaceLabels, validateAdminAccess } from '../adminaccess.ts';
import { defaultClaimSpec, defaultTolerations } from '../claimspec.ts';
import { deviceId } from './deviceid.ts';
import { validateClaim, validateClaimStatusUpdate, validateClaimUpdate } from './validation.ts';

const API_VERSIONS = ['v1alpha3', 'v1beta1', 'v1beta2', 'v1'].map((version) => `resource.k8s.io/${version}`);

export function makeStrategy(labelsOf: NamespaceLabels): Strategy<ResourceClaim> {
  return {
    returnDeletedObject: true,
    defaults({ spec, status }) {
      defaultClaimSpec(spec);
      for (const { tolerations } of status.allocation?.devices?.results ?? []) defaultTolerations(tolerations);
    },
    prepareForCreate(_ctx, obj) {
      obj.status = {};
    },
    validate: (ctx, obj) => [
      ...validateAdminAccess(
        obj.spec.devices.requests?.map(({ exactly }) => exactly),
        (i) => Path.of('spec', 'devices', 'requests').index(i).child('adminAccess'),
        ctx.namespace,
        labelsOf,
      ),
      ...validateClaim(obj),
    ],
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
    },
    updateChecks: ['new metadata', 'metadata', 'kind'],
    validateUpdate: (_ctx, obj, old) => validateClaimUpdate(obj, old),
    resetFields: resetIn(API_VERSIONS, { 'f:status': {} }),
  };
}

export function makeStatus(labelsOf: NamespaceLabels): ViewSubresource<ResourceClaim> {
  return {
    ...statusView<ResourceClaim>(API_VERSIONS, {
      prepareForUpdate: (_ctx, obj, old) => dropDeallocatedDevices(obj.status, old.status),
      validateUpdate: (ctx, obj, old) => [
        ...validateGrantedAccess(ctx.namespace, obj, old, labelsOf),
        ...validateClaimStatusUpdate(obj, old),
      ],
    }),
    noTable: true,
  };
}

/** What has been granted stays granted. */
function validateGrantedAccess(
  namespace: string,
  { status }: ResourceClaim,
  { status: before }: ResourceClaim,
  labelsOf: NamespaceLabels,
): ErrorList {
  if (before.allocation?.devices?.results?.some(({ adminAccess }) => adminAccess)) return [];
  const at = Path.of('status', 'allocation', 'devices', 'results');
  const results = status.allocation?.devices?.results;
  return validateAdminAccess(results, (i) => at.index(i).child('adminAccess'), namespace, labelsOf);
}

/** What is told of a device goes with its allocation, so that clients that know nothing of it need not clean up. */
function dropDeallocatedDevices(status: ResourceClaimStatus, old: ResourceClaimStatus): void {
  const kept = allocatedDevices(status);
  const gone = new Set([...allocatedDevices(old)].filter((device) => !kept.has(device)));
  if (gone.size === 0 || !status.devices) return;
  status.devices = status.devices.filter((device) => !gone.has(deviceId(device)));
  if (status.devices.length === 0) delete status.devices;
}

function allocatedDevices({ allocation }: ResourceClaimStatus): Set<string> {
  return new Set((allocation?.devices?.results ?? []).map(deviceId));
}
