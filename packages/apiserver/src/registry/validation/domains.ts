/** Domain names, and names and paths with a domain before them (k8s.io/apimachinery/pkg/util/validation). */
import { type ErrorList, invalid, type Path, required } from '@keelson/api/field';
import { isDNS1123Label, isDNS1123Subdomain, isHTTPPath, isQualifiedName } from '@keelson/api/validation/names';
import { invalidFor } from './fields.ts';

/** Two labels at least; a dot may stand at the end. */
export function validateFullyQualifiedDomainName(path: Path, value: string): ErrorList {
  if (value === '') return [required(path)];
  const name = value.endsWith('.') ? value.slice(0, -1) : value;
  const problems = isDNS1123Subdomain(name);
  if (problems.length > 0) return [invalid(path, name, problems.join(','))];
  const labels = name.split('.');
  if (labels.length < 2)
    return [invalid(path, name, 'should be a domain with at least two segments separated by dots')];
  for (const label of labels) {
    const wrong = isDNS1123Label(label);
    if (wrong.length > 0) return [invalid(path, label, wrong.join(','))];
  }
  return [];
}

/** Three labels at least. */
export function validateFullyQualifiedName(path: Path, value: string): ErrorList {
  if (value === '') return [required(path)];
  const problems = isDNS1123Subdomain(value);
  if (problems.length > 0) return [invalid(path, value, problems.join(','))];
  return value.split('.').length < 3
    ? [invalid(path, value, 'should be a domain with at least three segments separated by dots')]
    : [];
}

/** `acme.io/any/path` */
export function validateDomainPrefixedPath(path: Path, value: string): ErrorList {
  if (value === '') return [required(path)];
  const slash = value.indexOf('/');
  const [host, rest] = [value.slice(0, Math.max(slash, 0)), value.slice(slash + 1)];
  if (host === '' || rest === '')
    return [invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  return [...invalidFor(path, host, isDNS1123Subdomain(host)), ...invalidFor(path, rest, isHTTPPath(rest))];
}

/** `acme.io/key` */
export function validateDomainPrefixedKey(path: Path, value: string): ErrorList {
  if (value === '') return [required(path)];
  const errors = invalidFor(path, value, isQualifiedName(value));
  if (errors.length > 0 || value.includes('/')) return errors;
  return [invalid(path, value, 'must be a domain-prefixed key (such as "acme.io/foo")')];
}
