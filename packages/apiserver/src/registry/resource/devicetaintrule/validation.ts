/** Compare pkg/apis/resource/validation: ValidateDeviceTaintRule. */
import { type ErrorList, Path, tooMany } from '@keelson/api/field';
import type { DeviceTaintRule, DeviceTaintSelector } from '@keelson/api/generated/types/resource/v1beta2';
import { validateConditions } from '../../validation/conditions.ts';
import { validateDriverName, validateLabel, validatePoolName } from '../names.ts';
import { validateTaint } from '../taints.ts';

const MAX_CONDITIONS = 8;
const SPEC = Path.of('spec');
const CONDITIONS = Path.of('status', 'conditions');

export function validateRule({ spec }: DeviceTaintRule, old?: DeviceTaintRule): ErrorList {
  return [
    ...(spec.deviceSelector ? validateSelector(spec.deviceSelector, SPEC.child('deviceSelector')) : []),
    ...validateTaint(spec.taint, SPEC.child('taint'), old?.spec.taint),
  ];
}

function validateSelector({ driver, pool, device }: DeviceTaintSelector, path: Path): ErrorList {
  return [
    ...(driver === undefined ? [] : validateDriverName(driver, path.child('driver'))),
    ...(pool === undefined ? [] : validatePoolName(pool, path.child('pool'))),
    ...(device === undefined ? [] : validateLabel(device, path.child('device'))),
  ];
}

export function validateRuleStatus({ status }: DeviceTaintRule): ErrorList {
  const { conditions = [] } = status ?? {};
  return [
    ...validateConditions(conditions, CONDITIONS),
    ...(conditions.length > MAX_CONDITIONS ? [tooMany(CONDITIONS, conditions.length, MAX_CONDITIONS)] : []),
  ];
}
