/** Compare pkg/apis/storage/validation: ValidateCSIDriver. */
import { duplicate, type ErrorList, invalid, notSupported, Path, required } from '@keelson/api/field';
import type { CSIDriver, TokenRequest } from '@keelson/api/generated/types/storage/v1';
import { immutableField } from '../../validation/fields.ts';

const SPEC = Path.of('spec');
const FS_GROUP_POLICIES = ['File', 'None', 'ReadWriteOnceWithFSType'];
const LIFECYCLE_MODES = ['Persistent', 'Ephemeral'];
const MIN_TOKEN_SECONDS = 600;
const MAX_TOKEN_SECONDS = 2 ** 32;
const MIN_UPDATE_SECONDS = 10;

export function validateCSIDriver({ spec }: CSIDriver): ErrorList {
  const errors: ErrorList = [];
  if (spec.attachRequired === undefined) errors.push(required(SPEC.child('attachedRequired')));
  if (spec.podInfoOnMount === undefined) errors.push(required(SPEC.child('podInfoOnMount')));
  if (spec.storageCapacity === undefined) errors.push(required(SPEC.child('storageCapacity')));
  if (spec.fsGroupPolicy !== undefined && !FS_GROUP_POLICIES.includes(spec.fsGroupPolicy))
    errors.push(notSupported(SPEC.child('fsGroupPolicy'), spec.fsGroupPolicy, FS_GROUP_POLICIES));
  errors.push(...validateTokenRequests(spec.tokenRequests ?? []));
  for (const mode of spec.volumeLifecycleModes ?? [])
    if (!LIFECYCLE_MODES.includes(mode))
      errors.push(notSupported(SPEC.child('volumeLifecycleModes'), mode, LIFECYCLE_MODES));
  if (spec.seLinuxMount === undefined) errors.push(required(SPEC.child('seLinuxMount')));
  const seconds = spec.nodeAllocatableUpdatePeriodSeconds;
  if (seconds !== undefined && seconds < MIN_UPDATE_SECONDS)
    errors.push(
      invalid(
        SPEC.child('nodeAllocatableUpdatePeriodSeconds'),
        seconds,
        `must be greater than or equal to ${MIN_UPDATE_SECONDS} seconds`,
      ),
    );
  if (spec.serviceAccountTokenInSecrets !== undefined && !spec.tokenRequests?.length)
    errors.push(
      invalid(
        SPEC.child('serviceAccountTokenInSecrets'),
        spec.serviceAccountTokenInSecrets,
        'serviceAccountTokenInSecrets is set but no tokenRequests are specified',
      ),
    );
  return errors;
}

export function validateCSIDriverUpdate(obj: CSIDriver, old: CSIDriver): ErrorList {
  return [
    ...validateCSIDriver(obj),
    ...immutableField(obj.spec.attachRequired, old.spec.attachRequired, SPEC.child('attachedRequired')),
    ...immutableField(obj.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes, SPEC.child('volumeLifecycleModes')),
  ];
}

function validateTokenRequests(requests: readonly TokenRequest[]): ErrorList {
  const audiences = new Set<string>();
  return requests.flatMap(({ audience, expirationSeconds: seconds }, i) => {
    const path = SPEC.child('tokenRequests').index(i);
    if (audiences.has(audience)) return [duplicate(path.child('audience'), audience)];
    audiences.add(audience);
    const at = path.child('expirationSeconds');
    if (seconds !== undefined && seconds < MIN_TOKEN_SECONDS)
      return [invalid(at, seconds, 'may not specify a duration less than 10 minutes')];
    if (seconds !== undefined && seconds > MAX_TOKEN_SECONDS)
      return [invalid(at, seconds, 'may not specify a duration larger than 2^32 seconds')];
    return [];
  });
}
