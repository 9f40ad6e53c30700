/** What a claim asks for, in claims and in their templates. Compare pkg/apis/resource/validation: validateDeviceClaim. */
import { type ErrorList, invalid, notSupported, type Path, required } from '@keelson/api/field';
import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSubRequest,
  ExactDeviceRequest,
  ResourceClaimSpec,
} from '@keelson/api/generated/types/resource/v1';
import { isDNS1123Subdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../validation/fields.ts';
import { validateList, validateSet } from './collections.ts';
import { validateConfiguration, validateSelectors, validateToleration } from './devices.ts';
import { validateFullyQualifiedName, validateLabel } from './names.ts';

const MAX_REQUESTS = 32;
const MAX_CONSTRAINTS = 32;
export const MAX_CONFIG = 32;
const MAX_FIRST_AVAILABLE = 8;
const UNKNOWN_REQUEST =
  "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'";

/** `request` and `request/subrequest`: what a claim's own parts and its allocation may refer to. */
export type RequestNames = ReadonlySet<string>;

export function validateClaimSpec({ devices }: ResourceClaimSpec, path: Path): ErrorList {
  const names = requestNames(devices);
  const at = path.child('devices');
  return [
    ...validateSet(devices.requests, MAX_REQUESTS, validateRequest, ({ name }) => name, at.child('requests')),
    ...validateList(
      devices.constraints,
      MAX_CONSTRAINTS,
      (constraint, p) => validateConstraint(constraint, names, p),
      at.child('constraints'),
    ),
    ...validateList(
      devices.config,
      MAX_CONFIG,
      (config, p) => [
        ...validateRequestRefs(config.requests, names, p.child('requests')),
        ...validateConfiguration(config, false, p),
      ],
      at.child('config'),
    ),
  ];
}

export function requestNames({ requests }: DeviceClaim): RequestNames {
  // Of two requests with one name the last one counts.
  const last = new Map((requests ?? []).map((request) => [request.name, request]));
  return new Set(
    [...last.values()].flatMap(({ name, firstAvailable }) => [
      name,
      ...(firstAvailable ?? []).map((sub) => `${name}/${sub.name}`),
    ]),
  );
}

export function validateRequestRefs(refs: readonly string[] | undefined, names: RequestNames, path: Path): ErrorList {
  return validateSet(
    refs,
    MAX_REQUESTS,
    (ref, p) => validateRequestRef(ref, names, p),
    (ref) => ref,
    path,
  );
}

export function validateRequestRef(ref: string, names: RequestNames, path: Path): ErrorList {
  const segments = ref.split('/');
  if (segments.length > 2) return [invalid(path, ref, UNKNOWN_REQUEST)];
  const errors = segments.flatMap((segment) => validateLabel(segment, path));
  if (!names.has(ref)) errors.push(invalid(path, ref, UNKNOWN_REQUEST));
  return errors;
}

function validateRequest({ name, exactly, firstAvailable = [] }: DeviceRequest, path: Path): ErrorList {
  const errors = validateLabel(name, path.child('name'));
  const rule = 'exactly one of `exactly` or `firstAvailable` is required';
  if (exactly && firstAvailable.length > 0)
    return [...errors, invalid(path, null, `${rule}, but multiple fields are set`)];
  if (exactly) return [...errors, ...validateDeviceRequest(exactly, path.child('exactly'))];
  if (firstAvailable.length === 0) return [...errors, required(path, rule)];
  return [
    ...errors,
    ...validateSet(
      firstAvailable,
      MAX_FIRST_AVAILABLE,
      validateSubRequest,
      (sub) => sub.name,
      path.child('firstAvailable'),
    ),
  ];
}

function validateSubRequest(request: DeviceSubRequest, path: Path): ErrorList {
  return [...validateLabel(request.name, path.child('name')), ...validateDeviceRequest(request, path)];
}

function validateDeviceRequest(request: ExactDeviceRequest | DeviceSubRequest, path: Path): ErrorList {
  return [
    ...validateClassName(request.deviceClassName, path.child('deviceClassName')),
    ...validateSelectors(request.selectors, path.child('selectors')),
    ...validateAllocationMode(request, path),
    ...(request.tolerations ?? []).flatMap((t, i) => validateToleration(t, path.child('tolerations').index(i))),
  ];
}

function validateClassName(name: string, path: Path): ErrorList {
  return name === '' ? [required(path)] : invalidFor(path, name, isDNS1123Subdomain(name));
}

function validateAllocationMode(
  { allocationMode: mode = '', count = 0 }: ExactDeviceRequest | DeviceSubRequest,
  path: Path,
): ErrorList {
  const at = path.child('count');
  switch (mode) {
    case 'All':
      return count === 0 ? [] : [invalid(at, count, `must not be specified when allocationMode is '${mode}'`)];
    case 'ExactCount':
      return count > 0 ? [] : [invalid(at, count, 'must be greater than zero')];
    default:
      return [notSupported(path.child('allocationMode'), mode, ['All', 'ExactCount'])];
  }
}

function validateConstraint(constraint: DeviceConstraint, names: RequestNames, path: Path): ErrorList {
  const errors = validateRequestRefs(constraint.requests, names, path.child('requests'));
  for (const key of ['matchAttribute', 'distinctAttribute'] as const) {
    const attribute = constraint[key];
    if (attribute !== undefined) return [...errors, ...validateFullyQualifiedName(attribute, path.child(key))];
  }
  // Upstream's words, though none is set.
  const rule = 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set';
  return [...errors, required(path, rule)];
}
