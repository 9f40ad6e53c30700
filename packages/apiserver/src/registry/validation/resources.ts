/** Names and amounts of resources (k8s.io/kubernetes/pkg/apis/core/validation and core/helper). */
import { type ErrorList, invalid, type Path } from '@keelson/api/field';
import { Quantity } from '@keelson/api/quantity';
import { isQualifiedName } from '@keelson/api/validation/names';
import { invalidFor } from './fields.ts';

const HUGE_PAGES = 'hugepages-';
const REQUESTS = 'requests.';
const ZERO = Quantity.of(0);

const CONTAINER = new Set(['cpu', 'memory', 'ephemeral-storage']);
/** Counted in whole objects. */
const COUNTED = new Set([
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'services.nodeports',
  'services.loadbalancers',
]);
const STANDARD = new Set([
  ...CONTAINER,
  'requests.cpu',
  'requests.memory',
  'requests.ephemeral-storage',
  'limits.cpu',
  'limits.memory',
  'limits.ephemeral-storage',
  'pods',
  'resourcequotas',
  'services',
  'replicationcontrollers',
  'secrets',
  'configmaps',
  'persistentvolumeclaims',
  'storage',
  'requests.storage',
  'services.nodeports',
  'services.loadbalancers',
]);

/** In Kubernetes' own namespace; names without one are. */
export function isNativeResource(name: string): boolean {
  return !name.includes('/') || name.includes('kubernetes.io/');
}

/** A device or the like, whose name carries a domain. */
export function isExtendedResource(name: string): boolean {
  if (isNativeResource(name) || name.startsWith(REQUESTS)) return false;
  return isQualifiedName(`${REQUESTS}${name}`).length === 0;
}

export function isHugePages(name: string): boolean {
  return name.startsWith(HUGE_PAGES);
}

/** Huge pages of containers and, with `requests.`, of quotas. */
export function isQuotaHugePages(name: string): boolean {
  return isHugePages(name) || name.startsWith(`${REQUESTS}${HUGE_PAGES}`);
}

export function isStandardContainerResource(name: string): boolean {
  return CONTAINER.has(name) || isHugePages(name);
}

export function isStandardResource(name: string): boolean {
  return STANDARD.has(name) || isQuotaHugePages(name);
}

/** Comes in whole units alone. */
export function isIntegerResource(name: string): boolean {
  return COUNTED.has(name) || isExtendedResource(name);
}

/** Whether a container may use more than it requested. */
export function isOvercommitAllowed(name: string): boolean {
  return isNativeResource(name) && !isHugePages(name);
}

/** Whether an amount of huge pages is a whole number of them. */
export function isDivisibleByPageSize(name: string, amount: Quantity): boolean {
  let size: Quantity;
  try {
    size = Quantity.parse(name.slice(HUGE_PAGES.length));
  } catch {
    return false;
  }
  if (size.sign() <= 0 || size.milliValue() % 1000n !== 0n) return false;
  return amount.value() % size.value() === 0n;
}

export function validateResourceName(name: string, path: Path): ErrorList {
  const errors = invalidFor(path, name, isQualifiedName(name));
  if (errors.length > 0 || name.includes('/') || isStandardResource(name)) return errors;
  return [invalid(path, name, 'must be a standard resource type or fully qualified')];
}

export function validateContainerResourceName(name: string, path: Path): ErrorList {
  const errors = validateResourceName(name, path);
  if (!name.includes('/')) {
    if (!isStandardContainerResource(name))
      errors.push(invalid(path, name, 'must be a standard resource for containers'));
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(invalid(path, name, "doesn't follow extended resource name standard"));
  }
  return errors;
}

/** @param text a canonical quantity */
export function validateNonNegativeQuantity(text: string, path: Path): ErrorList {
  return Quantity.parse(text).cmp(ZERO) < 0 ? [invalid(path, text, 'must be greater than or equal to 0')] : [];
}

/** @param text a canonical quantity */
export function validatePositiveQuantity(text: string, path: Path): ErrorList {
  return Quantity.parse(text).cmp(ZERO) <= 0 ? [invalid(path, text, 'must be greater than zero')] : [];
}

/** @param text a canonical quantity of the resource */
export function validateResourceQuantity(name: string, text: string, path: Path): ErrorList {
  const errors = validateNonNegativeQuantity(text, path);
  if (isIntegerResource(name) && Quantity.parse(text).milliValue() % 1000n !== 0n)
    errors.push(invalid(path, text, 'must be an integer'));
  return errors;
}
