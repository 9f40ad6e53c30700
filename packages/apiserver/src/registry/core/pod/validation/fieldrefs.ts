/** References to fields of the pod and resources of a container, from environment variables and files. */

import { type ErrorList, invalid, notSupported, type Path, plain, required } from '@keelson/api/field';
import type { ObjectFieldSelector, ResourceFieldSelector } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { qualifiedName } from './names.ts';

export const VOLUME_FIELDS = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
export const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const KNOWN_FIELDS = new Set([
  ...VOLUME_FIELDS,
  ...ENV_FIELDS,
  'spec.restartPolicy',
  'spec.schedulerName',
  'status.phase',
]);

export function validateFieldRef(
  { apiVersion = '', fieldPath = '' }: ObjectFieldSelector,
  supported: readonly string[],
  path: Path,
): ErrorList {
  const at = path.child('fieldPath');
  if (apiVersion === '') return [required(path.child('apiVersion'))];
  if (fieldPath === '') return [required(at)];
  const unconvertible = (why: string) => [invalid(at, fieldPath, `error converting fieldPath: ${why}`)];
  if (apiVersion !== 'v1') return unconvertible(`unsupported pod version: ${apiVersion}`);
  const subscripted = /^(.+?)\['(.*)'\]$/s.exec(fieldPath);
  if (subscripted) {
    const [, field, key = ''] = subscripted;
    if (field === 'metadata.annotations') return qualifiedName(key.toLowerCase(), path);
    if (field === 'metadata.labels') return qualifiedName(key, path);
    return unconvertible(`field label does not support subscript: ${fieldPath}`);
  }
  const field = fieldPath === 'spec.host' ? 'spec.nodeName' : fieldPath;
  if (!KNOWN_FIELDS.has(field)) return unconvertible(`field label not supported: ${fieldPath}`);
  return supported.includes(field) ? [] : [notSupported(at, plain(field), supported)];
}

const RESOURCES = [
  'limits.cpu',
  'limits.ephemeral-storage',
  'limits.memory',
  'requests.cpu',
  'requests.ephemeral-storage',
  'requests.memory',
];
const HUGE_PAGES = /^(?:requests|limits)\.hugepages-/;

/** @param named whether it must say which container it means */
export function validateResourceFieldRef(
  { containerName = '', resource = '', divisor = '0' }: ResourceFieldSelector,
  named: boolean,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  if (named && containerName === '') errors.push(required(path.child('containerName')));
  else if (resource === '') errors.push(required(path.child('resource')));
  else if (!RESOURCES.includes(resource) && !HUGE_PAGES.test(resource))
    errors.push(notSupported(path.child('resource'), plain(resource), RESOURCES));
  return [...errors, ...validateDivisor(resource, divisor, path.child('divisor'))];
}

const SIZES = '1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei';

function validateDivisor(resource: string, divisor: string, path: Path): ErrorList {
  if (Quantity.parse(divisor).isZero()) return [];
  const only = (values: string, what: string) =>
    invalid(path, resource, `only divisor's values ${values} are supported with the ${what} resource`);
  if (resource.endsWith('.cpu') && RESOURCES.includes(resource))
    return divisor === '1m' || divisor === '1' ? [] : [only('1m and 1', 'cpu')];
  const what = RESOURCES.includes(resource)
    ? { memory: 'memory', 'ephemeral-storage': 'local ephemeral storage' }[resource.split('.')[1]!]
    : HUGE_PAGES.test(resource)
      ? 'hugepages'
      : undefined;
  return what === undefined || SIZES.split(', ').includes(divisor) ? [] : [only(SIZES, what)];
}
