/** Names and amounts of resources (k8s.io/kubernetes/pkg/apis/core/validation and core/helper). */
import { type ErrorList, invalid, named, type Path } from '@keelson/api/field';
import { Quantity } from '@keelson/api/quantity';
import {
  HUGE_PAGES,
  isExtendedResource,
  isIntegerResource,
  isNativeResource,
  isStandardContainerResource,
  isStandardResource,
} from '@keelson/api/resources/names';
import { isQualifiedName } from '@keelson/api/validation/names';
import { invalidFor } from './fields.ts';

const ZERO = Quantity.of(0);

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
  const errors = invalidFor(path, named(name), isQualifiedName(name));
  if (errors.length > 0 || name.includes('/') || isStandardResource(name)) return errors;
  return [invalid(path, named(name), 'must be a standard resource type or fully qualified')];
}

export function validateContainerResourceName(name: string, path: Path): ErrorList {
  const errors = validateResourceName(name, path);
  if (!name.includes('/')) {
    if (!isStandardContainerResource(name))
      errors.push(invalid(path, named(name), 'must be a standard resource for containers'));
  } else if (!isNativeResource(name) && !isExtendedResource(name)) {
    errors.push(invalid(path, named(name), "doesn't follow extended resource name standard"));
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
