import { stringify } from '@keelson/api/codec/stringify';
import { type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type { ControllerRevision } from '@keelson/api/generated/types/apps/v1';
import type { Strategy } from '../../strategy.ts';
import { nonNegative } from '../../validation/fields.ts';

const DATA = Path.of('data');

export const strategy: Strategy<ControllerRevision> = {
  validate: (_ctx, obj) => [...validateRevision(obj), ...validateData(obj.data)],
  updateChecks: ['metadata', 'new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => [...validateRevision(obj), ...validateDataChange(obj.data, old.data)],
};

function validateRevision({ revision }: ControllerRevision): ErrorList {
  return nonNegative(revision, Path.of('revision'));
}

/** The data is one text: there a null is no absence. */
function validateDataChange(data: unknown, old: unknown): ErrorList {
  return stringify(data) === stringify(old) ? [] : [invalid(DATA, data, 'field is immutable')];
}

function validateData(data: unknown): ErrorList {
  if (data === undefined || data === null) return [required(DATA, 'data is mandatory')];
  const isObject = typeof data === 'object' && !Array.isArray(data);
  return isObject ? [] : [required(DATA, 'data must be a valid JSON object')];
}
