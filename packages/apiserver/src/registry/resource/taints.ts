/** Taints of devices, in slices and in rules. Compare pkg/apis/resource/validation: validateDeviceTaint. */
import { type ErrorList, notSupported, type Path, required } from '@keelson/api/field';
import type { DeviceTaint } from '@keelson/api/generated/types/resource/v1';
import { formatTime } from '@keelson/api/time';
import { validateLabelName } from '../validation/labelselector.ts';
import { TAINT_EFFECTS } from './devices.ts';
import { validateLabelValue } from './names.ts';

/** @param old an effect that is there already stays */
export function validateTaint({ key, value = '', effect }: DeviceTaint, path: Path, old?: DeviceTaint): ErrorList {
  const at = path.child('effect');
  const errors = [...validateLabelName(key, path.child('key')), ...validateLabelValue(value, path.child('value'))];
  if (effect === old?.effect) return errors;
  if (effect === '') return [...errors, required(at)];
  return TAINT_EFFECTS.includes(effect) ? errors : [...errors, notSupported(at, effect, TAINT_EFFECTS)];
}

export function defaultTaint(taint: DeviceTaint, now: Date | undefined): void {
  if (now) taint.timeAdded ??= formatTime(now);
}
