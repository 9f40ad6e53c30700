import { type ErrorList, Path, required } from '@keelson/api/field';
import type { ControllerRevision } from '@keelson/api/generated/types/apps/v1';
import type { Strategy } from '../../strategy.ts';
import { immutableField, nonNegative } from '../../validation/fields.ts';

const DATA = Path.of('data');

export const strategy: Strategy<ControllerRevision> = {
  validate: (_ctx, obj) => [...validateRevision(obj), ...validateData(obj.data)],
  updateChecks: ['metadata', 'new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => [...validateRevision(obj), ...immutableField(obj.data, old.data, DATA)],
};

function validateRevision({ revision }: ControllerRevision): ErrorList {
  return nonNegative(revision, Path.of('revision'));
}

function validateData(data: unknown): ErrorList {
  if (data === undefined || data === null) return [required(DATA, 'data is mandatory')];
  const isObject = typeof data === 'object' && !Array.isArray(data);
  return isObject ? [] : [required(DATA, 'data must be a valid JSON object')];
}
