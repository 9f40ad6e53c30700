import type { ResourceClaim, ResourceClaimStatus } from '@keelson/api/generated/types/resource/v1';
import type { Authorize } from '../../../authz/attributes.ts';
import { resetIn, statusView } from '../../statusview.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { type NamespaceLabels, validateGrantedAccess, validateRequestedAccess } from '../adminaccess.ts';
import { defaultClaimSpec, defaultTolerations } from '../claimspec.ts';
import { checkStatusAccess } from './access.ts';
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
    checkAccess: ({ namespace }, obj, old) => (old ? [] : validateRequestedAccess(obj.spec, namespace, labelsOf)),
    validate: (_ctx, obj) => validateClaim(obj),
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
    },
    updateChecks: ['new metadata', 'metadata', 'kind'],
    validateUpdate: (_ctx, obj, old) => validateClaimUpdate(obj, old),
    resetFields: resetIn(API_VERSIONS, { 'f:status': {} }),
  };
}

export function makeStatus(labelsOf: NamespaceLabels, authorize?: Authorize): ViewSubresource<ResourceClaim> {
  return {
    ...statusView<ResourceClaim>(API_VERSIONS, {
      prepareForUpdate: (_ctx, obj, old) => dropDeallocatedDevices(obj.status, old.status),
      async checkAccess(ctx, { status }, old) {
        const [results, before] = [status, old?.status].map((s) => s?.allocation?.devices?.results);
        const granted = validateGrantedAccess(results, before, ctx.namespace, labelsOf);
        return authorize && ctx.asked
          ? [...granted, ...(await checkStatusAccess(authorize, ctx.asked(), status, old?.status ?? {}))]
          : granted;
      },
      validateUpdate: (_ctx, obj, old) => validateClaimStatusUpdate(obj, old),
    }),
    noTable: true,
  };
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
