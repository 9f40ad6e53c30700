import type { ResourcePoolStatusRequest } from '@keelson/api/generated/types/resource/v1alpha3';
import { column, nameColumn, since } from '../../columns.ts';
import { statusView } from '../../statusview.ts';
import type { KindRegistration, TableConvertor } from '../../strategy.ts';
import { validateRequest, validateRequestStatus, validateRequestUpdate } from './validation.ts';

const VERSION = 'resource.k8s.io/v1alpha3';
const DEFAULT_LIMIT = 100;
const DEVICES = ['totalDevices', 'availableDevices', 'allocatedDevices', 'unavailableDevices'] as const;

const table: TableConvertor<ResourcePoolStatusRequest> = {
  columns: [
    nameColumn,
    column('Driver', 'string', 'The driver to query pools for.'),
    column('Total', 'string', 'Total number of devices across all pools.'),
    column('Available', 'string', 'Number of available devices across all pools.'),
    column('Allocated', 'string', 'Number of allocated devices across all pools.'),
    column('Unavailable', 'string', 'Number of unavailable devices across all pools.'),
    column('Errors', 'string', 'Number of pools with validation errors.'),
    column('Pools', 'integer', 'Total number of matching pools.'),
    column('Status', 'string', 'Processing status.'),
    column('Completed', 'string', 'Time since the observation completed.'),
  ],
  row({ metadata, spec, status }) {
    const outcome = status?.conditions?.find(
      ({ type, status: s }) => s === 'True' && (type === 'Complete' || type === 'Failed'),
    );
    const pools = status?.pools ?? [];
    const count = status?.poolCount ?? 0;
    const isKnown = status && outcome?.type !== 'Failed';
    const sums = DEVICES.map((key) => pools.reduce((sum, pool) => sum + (pool[key] ?? 0), 0));
    const errors = pools.filter((pool) => pool.validationError !== undefined).length;
    const isCut = outcome?.type === 'Complete' && count > pools.length;
    return {
      cells: [
        metadata.name ?? '',
        spec.driver ?? '',
        ...[...sums, errors].map((n) => (isKnown ? String(n) : '-')),
        count,
        isCut ? `Complete (${pools.length}/${count} pools)` : (outcome?.type ?? 'Pending'),
        outcome?.type === 'Complete' ? since(outcome.lastTransitionTime) : '<none>',
      ],
    };
  },
};

export const registration: KindRegistration<ResourcePoolStatusRequest> = {
  strategy: {
    returnDeletedObject: true,
    allowUnconditionalUpdate: false,
    defaults({ spec }) {
      spec.limit ??= DEFAULT_LIMIT;
    },
    prepareForCreate(_ctx, obj) {
      delete obj.status;
    },
    validate: (_ctx, obj) => validateRequest(obj),
    prepareForUpdate(_ctx, obj, old) {
      if (old.status) obj.status = old.status;
      else delete obj.status;
    },
    validateUpdate: (_ctx, obj, old) => validateRequestUpdate(obj, old),
    resetFields: { [VERSION]: { 'f:status': {} } },
  },
  table,
  subresources: {
    status: {
      ...statusView([VERSION], {
        validateUpdate: (_ctx, obj, old) => validateRequestStatus(obj, old),
      }),
      noTable: true,
    },
  },
};
