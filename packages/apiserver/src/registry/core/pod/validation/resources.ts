/** What containers, and pods as a whole, request and are limited to. */

import {
  duplicate,
  type ErrorList,
  FieldError,
  forbidden,
  invalid,
  notSupported,
  type Path,
  required,
} from '@keelson/api/field';
import type { PodSpec, ResourceClaim, ResourceRequirements } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { isHugePages, isOvercommitAllowed } from '@keelson/api/resources/names';
import { containerTotals, isPodLevelResource } from '@keelson/api/resources/pod';
import {
  isDivisibleByPageSize,
  validateContainerResourceName,
  validateResourceName,
  validateResourceQuantity,
} from '../../../validation/resources.ts';
import { dnsLabel } from './names.ts';
import type { PodValidationOptions } from './options.ts';

export type ResourceOptions = Pick<PodValidationOptions, 'allowIndivisibleHugePagesValues'>;

type NameCheck = (name: string, path: Path) => ErrorList;

const POD_LEVEL = ['cpu', 'hugepages-', 'memory'];

/** @param claimNames names in the pod's resourceClaims */
export function validateContainerResources(
  requirements: ResourceRequirements | undefined,
  claimNames: ReadonlySet<string>,
  options: ResourceOptions,
  path: Path,
): ErrorList {
  return validateRequirements(requirements ?? {}, validateContainerResourceName, claimNames, options, path);
}

/** Resources that a pod states as a whole. */
export function validatePodResources(
  spec: PodSpec,
  claimNames: ReadonlySet<string>,
  options: ResourceOptions,
  path: Path,
): ErrorList {
  const { resources, os } = spec;
  if (!resources) return [];
  if (os?.name === 'windows') return [forbidden(path, 'may not be set for a windows pod')];
  return [
    ...(resources.claims ? [forbidden(path.child('claims'), 'claims may not be set for Resources at pod-level')] : []),
    ...validateRequirements(resources, validatePodResourceName, claimNames, options, path),
    ...validateConsistency(spec, resources, path),
  ];
}

function validatePodResourceName(name: string, path: Path): ErrorList {
  const errors = validateResourceName(name, path);
  return errors.length > 0 || isPodLevelResource(name) ? errors : [notSupported(path, name, POD_LEVEL)];
}

function validateRequirements(
  { limits = {}, requests = {}, claims = [] }: ResourceRequirements,
  validateName: NameCheck,
  claimNames: ReadonlySet<string>,
  options: ResourceOptions,
  path: Path,
): ErrorList {
  const [limitsAt, requestsAt] = [path.child('limits'), path.child('requests')];
  const validateAmount = (name: string, amount: string, at: Path) => [
    ...validateName(name, at),
    ...validateResourceQuantity(name, amount, at),
  ];
  const validatePages = (name: string, amount: string, at: Path) =>
    isHugePages(name) &&
    !options.allowIndivisibleHugePagesValues &&
    !isDivisibleByPageSize(name, Quantity.parse(amount))
      ? [invalid(at, amount, `${amount} is not positive integer multiple of ${name}`)]
      : [];
  const errors = [
    ...Object.entries(limits).flatMap(([name, amount]) => [
      ...validateAmount(name, amount, limitsAt.key(name)),
      ...validatePages(name, amount, limitsAt.key(name)),
    ]),
    ...Object.entries(requests).flatMap(([name, amount]) => [
      ...validateAmount(name, amount, requestsAt.key(name)),
      ...validateWithinLimit(name, amount, limits[name], path),
      ...validatePages(name, amount, requestsAt.key(name)),
    ]),
  ];
  const names = [...Object.keys(limits), ...Object.keys(requests)];
  if (names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory'))
    errors.push(forbidden(path, 'HugePages require cpu or memory'));
  return [...errors, ...validateClaimNames(claims, claimNames, path.child('claims'))];
}

function validateWithinLimit(name: string, request: string, limit: string | undefined, path: Path): ErrorList {
  const overcommit = isOvercommitAllowed(name);
  if (limit === undefined)
    return overcommit ? [] : [required(path.child('limits'), 'Limit must be set for non overcommitable resources')];
  const order = Quantity.parse(request).cmp(Quantity.parse(limit));
  const at = path.child('requests');
  if (order !== 0 && !overcommit) return [invalid(at, request, `must be equal to ${name} limit of ${limit}`)];
  return order > 0 ? [invalid(at, request, `must be less than or equal to ${name} limit of ${limit}`)] : [];
}

/** A claim, or one request of it, is used once. */
function validateClaimNames(claims: readonly ResourceClaim[], claimNames: ReadonlySet<string>, path: Path): ErrorList {
  const used = new Set<string>();
  return claims.flatMap(({ name = '', request = '' }, i) => {
    const at = path.index(i);
    if (name === '') return [required(at)];
    const errors: ErrorList = [];
    if (used.has(name)) errors.push(duplicate(at, name));
    else {
      const key = request === '' ? name : `${name}/${request}`;
      if (request !== '') errors.push(...dnsLabel(request, at.child('request')));
      if (used.has(key)) errors.push(duplicate(at, key));
      else if (request === '')
        for (const other of used) if (other.startsWith(`${name}/`)) errors.push(duplicate(at, name));
      used.add(key);
    }
    if (!claimNames.has(name)) {
      const known = claimNames.size === 0 ? ' which is empty' : `: ${[...claimNames].sort().join(', ')}`;
      const detail = `must be one of the names in pod.spec.resourceClaims${known}`;
      errors.push(new FieldError('FieldValueNotFound', at, name, detail));
    }
    return errors;
  });
}

/** The pod as a whole must have what its containers ask for. */
function validateConsistency(
  spec: PodSpec,
  { requests = {}, limits = {} }: ResourceRequirements,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  for (const [name, total] of containerTotals(spec, 'requests')) {
    const request = requests[name];
    if (request !== undefined && total.cmp(Quantity.parse(request)) > 0)
      errors.push(
        invalid(
          path.child('requests').key(name),
          request,
          `must be greater than or equal to aggregate container requests of ${total}`,
        ),
      );
  }
  for (const [name, total] of containerTotals(spec, 'limits')) {
    const limit = limits[name];
    if (isHugePages(name) && limit !== undefined && total.cmp(Quantity.parse(limit)) > 0)
      errors.push(
        invalid(
          path.child('limits').key(name),
          limit,
          `must be greater than or equal to aggregate container limits of ${total}`,
        ),
      );
  }
  for (const [i, container] of (spec.containers ?? []).entries())
    for (const [name, limit] of Object.entries(container.resources?.limits ?? {})) {
      const whole = limits[name];
      if (whole !== undefined && Quantity.parse(limit).cmp(Quantity.parse(whole)) > 0)
        errors.push(
          invalid(
            path.child('containers').index(i).key(name).child('limits'),
            limit,
            `must be less than or equal to pod limits of ${whole}`,
          ),
        );
    }
  return errors;
}
