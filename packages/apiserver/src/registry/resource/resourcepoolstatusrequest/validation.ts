/** Compare pkg/apis/resource/validation/validation_resourcepoolstatusrequest.go and the declarations of the type. */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, Path, required, tooLong } from '@keelson/api/field';
import type {
  PoolStatus,
  ResourcePoolStatusRequest,
  ResourcePoolStatusRequestStatus,
} from '@keelson/api/generated/types/resource/v1alpha3';
import { isLongName, isLongNameCaseless } from '@keelson/api/validation/names';
import { validateConditions } from '../../validation/conditions.ts';
import { invalidFor } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { validateList, validateSet } from '../collections.ts';

const MAX_VALIDATION_ERROR = 256;
const MAX_POOL_NAME = 253;
const MAX_LIMIT = 1000;
const MAX_POOLS = 1000;
const MAX_CONDITIONS = 10;
const SPEC = Path.of('spec');
const STATUS = Path.of('status');

export function validateRequest({ spec }: ResourcePoolStatusRequest): ErrorList {
  const { driver = '', poolName, limit = 0 } = spec;
  const path = SPEC.child('limit');
  return [
    ...(driver === ''
      ? [required(SPEC.child('driver'))]
      : invalidFor(SPEC.child('driver'), driver, isLongNameCaseless(driver))),
    ...(poolName === undefined ? [] : validateSegments(poolName, SPEC.child('poolName'))),
    ...(limit > MAX_LIMIT ? [invalid(path, limit, `must be less than or equal to ${MAX_LIMIT}`)] : []),
    ...atLeast(limit, 1, path),
  ];
}

export function validateRequestUpdate(obj: ResourcePoolStatusRequest, old: ResourcePoolStatusRequest): ErrorList {
  if (semanticEqual(obj.spec, old.spec)) return [];
  return [invalid(SPEC, null, 'field is immutable')];
}

/** What has been answered stays; what changes of it is judged nevertheless. */
export function validateRequestStatus(
  { status }: ResourcePoolStatusRequest,
  { status: old }: ResourcePoolStatusRequest,
): ErrorList {
  if (old && semanticEqual(status, old)) return [];
  const shown = old && internalValue('io.k8s.api.resource.v1alpha3.ResourcePoolStatusRequestStatus', status);
  return [
    ...(old ? [invalid(STATUS, shown, 'field is immutable')] : []),
    ...(status && !old ? validateConditions(status.conditions, STATUS.child('conditions')) : []),
    ...(status ? validateChangedStatus(status, old) : []),
  ];
}

function validateChangedStatus(
  { conditions, poolCount, pools }: ResourcePoolStatusRequestStatus,
  old: ResourcePoolStatusRequestStatus | undefined,
): ErrorList {
  const [count, list] = [STATUS.child('poolCount'), STATUS.child('conditions')];
  const changed = (value: unknown, before: unknown, judge: () => ErrorList): ErrorList =>
    old && semanticEqual(value, before) ? [] : judge();
  return [
    ...changed(poolCount, old?.poolCount, () =>
      poolCount === undefined ? [required(count)] : atLeast(poolCount, 0, count),
    ),
    ...changed(pools, old?.pools, () => validateList(pools, MAX_POOLS, validatePool, STATUS.child('pools'))),
    ...changed(conditions, old?.conditions, () =>
      validateSet(
        conditions,
        MAX_CONDITIONS,
        () => [],
        ({ type }) => type,
        list,
        (condition) => condition,
      ),
    ),
  ];
}

function validatePool(pool: PoolStatus, path: Path): ErrorList {
  const { driver = '', poolName = '', generation } = pool;
  const counts = ['totalDevices', 'allocatedDevices', 'availableDevices', 'unavailableDevices'] as const;
  return [
    ...(driver === ''
      ? [required(path.child('driver'))]
      : invalidFor(path.child('driver'), driver, isLongNameCaseless(driver))),
    ...(poolName === '' ? [required(path.child('poolName'))] : validateSegments(poolName, path.child('poolName'))),
    ...(generation === 0 ? [required(path.child('generation'))] : atLeast(generation, 0, path.child('generation'))),
    ...atLeast(pool.resourceSliceCount, 1, path.child('resourceSliceCount')),
    ...counts.flatMap((key) => atLeast(pool[key], 0, path.child(key))),
    ...(pool.nodeName === undefined
      ? []
      : invalidFor(path.child('nodeName'), pool.nodeName, isLongName(pool.nodeName))),
    ...(Buffer.byteLength(pool.validationError ?? '') > MAX_VALIDATION_ERROR
      ? [tooLong(path.child('validationError'), MAX_VALIDATION_ERROR)]
      : []),
  ];
}

/** A pool's name as it is declared: the same rule as elsewhere, in other words. */
function validateSegments(name: string, path: Path): ErrorList {
  return [
    ...(Buffer.byteLength(name) > MAX_POOL_NAME ? [tooLong(path, MAX_POOL_NAME)] : []),
    ...name.split('/').flatMap((segment, i) => {
      if (segment === '') return [invalid(path, name, `segment ${i}: must not be empty`)];
      return isLongName(segment).map((problem) => invalid(path, segment, `segment ${i}: ${problem}`));
    }),
  ];
}

function atLeast(value: number | undefined, least: number, path: Path): ErrorList {
  return value === undefined || value >= least
    ? []
    : [invalid(path, value, `must be greater than or equal to ${least}`)];
}
