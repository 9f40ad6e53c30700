/** References of an autoscaler to other objects. */
import { type ErrorList, invalid, type Path, required } from '@keelson/api/field';
import type { CrossVersionObjectReference } from '@keelson/api/generated/types/autoscaling/v2';
import { isPathSegmentName } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';

export interface ReferenceOptions {
  readonly allowEmptyGroup: boolean;
  readonly allowInvalid: boolean;
}

export function validateReference(
  reference: CrossVersionObjectReference,
  options: ReferenceOptions,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  for (const key of ['kind', 'name'] as const) {
    const value = reference[key] ?? '';
    if (value === '') errors.push(required(path.child(key)));
    else errors.push(...invalidFor(path.child(key), value, isPathSegmentName(value)));
  }
  const problem = options.allowInvalid ? undefined : apiVersionProblem(reference, options.allowEmptyGroup);
  if (problem !== undefined) errors.push(invalid(path.child('apiVersion'), reference.apiVersion ?? '', problem));
  return errors;
}

/** What is wrong with the group, if anything is. */
export function apiVersionProblem(
  { apiVersion = '' }: CrossVersionObjectReference,
  allowEmptyGroup: boolean,
): string | undefined {
  const parts = apiVersion.split('/');
  if (parts.length > 2) return `unexpected GroupVersion string: ${apiVersion}`;
  const group = parts.length === 2 ? parts[0] : '';
  return group === '' && !allowEmptyGroup ? 'apiVersion must specify API group' : undefined;
}
