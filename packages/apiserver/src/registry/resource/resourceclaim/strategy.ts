import type { ResourceClaim, ResourceClaimStatus } from '@keelson/api/generated/types/resource/v1';
import type { Authorize } from '../../../authz/attributes.ts';
import type { IsEnabled } from '../../../gates.ts';
import { dropDisabledFields, fieldsOf, type GatedFields } from '../../gatedfields.ts';
import { resetIn, statusView } from '../../statusview.ts';
import type { Strategy, ViewSubresource } from '../../strategy.ts';
import { type NamespaceLabels, validateGrantedAccess, validateRequestedAccess } from '../adminaccess.ts';
import { defaultClaimSpec, defaultTolerations, requestsOf, SPEC_FIELDS } from '../claimspec.ts';
import { checkStatusAccess } from './access.ts';
import { deviceId } from './deviceid.ts';
import { validateClaim, validateClaimStatusUpdate, validateClaimUpdate } from './validation.ts';

const API_VERSIONS = ['v1alpha3', 'v1beta1', 'v1beta2', 'v1'].map((version) => `resource.k8s.io/${version}`);

const results = ({ status }: ResourceClaim) => status.allocation?.devices?.results ?? [];

/** What of the status is there by gates alone; what a spec uses already its status may use, too. */
const STATUS_FIELDS: readonly GatedFields<ResourceClaim>[] = [
  ['DRAResourceClaimDeviceStatus', fieldsOf(({ status }) => [status], 'devices')],
  [
    'DRAConsumableCapacity',
    fieldsOf(results, 'shareID', 'consumedCapacity'),
    fieldsOf(({ status }) => status.devices ?? [], 'shareID'),
    fieldsOf(({ spec }) => spec.devices.constraints ?? [], 'distinctAttribute'),
    fieldsOf(({ spec }) => requestsOf(spec), 'capacity'),
  ],
  ['DRADeviceBindingConditions', fieldsOf(results, 'bindingConditions', 'bindingFailureConditions')],
];

export function makeStrategy(labelsOf: NamespaceLabels, isEnabled: IsEnabled): Strategy<ResourceClaim> {
  return {
    returnDeletedObject: true,
    defaults({ spec, status }) {
      defaultClaimSpec(spec);
      for (const { tolerations } of status.allocation?.devices?.results ?? []) defaultTolerations(tolerations);
    },
    prepareForCreate(_ctx, obj) {
      obj.status = {};
      dropDisabledFields(SPEC_FIELDS, isEnabled, obj.spec, undefined);
    },
    checkAccess: ({ namespace }, obj, old) => (old ? [] : validateRequestedAccess(obj.spec, namespace, labelsOf)),
    validate: (_ctx, obj) => validateClaim(obj),
    prepareForUpdate(_ctx, obj, old) {
      obj.status = old.status;
      dropDisabledFields(SPEC_FIELDS, isEnabled, obj.spec, old.spec);
    },
    updateChecks: ['new metadata', 'metadata', 'kind'],
    validateUpdate: (_ctx, obj, old) => validateClaimUpdate(obj, old),
    resetFields: resetIn(API_VERSIONS, { 'f:status': {} }),
  };
}

export function makeStatus(
  labelsOf: NamespaceLabels,
  isEnabled: IsEnabled,
  authorize?: Authorize,
): ViewSubresource<ResourceClaim> {
  return {
    ...statusView<ResourceClaim>(API_VERSIONS, {
      prepareForUpdate(_ctx, obj, old) {
        dropDeallocatedDevices(obj.status, old.status);
        dropDisabledFields(STATUS_FIELDS, isEnabled, obj, old);
      },
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
