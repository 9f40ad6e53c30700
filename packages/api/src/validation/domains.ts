/** Domain names as fields of an object: what takes a path and reports field errors (apimachinery/pkg/util/validation). */
import { type ErrorList, invalid, type Path, required } from '../field.ts';
import { isDNS1123Label, isDNS1123Subdomain, isHTTPPath, isQualifiedName } from './names.ts';

/** A domain of three segments or more, without a dot at its end. */
export function isFullyQualifiedName(path: Path, name: string): ErrorList {
  if (name === '') return [required(path)];
  const problems = isDNS1123Subdomain(name);
  if (problems.length) return [invalid(path, name, problems.join(','))];
  return name.split('.').length < 3
    ? [invalid(path, name, 'should be a domain with at least three segments separated by dots')]
    : [];
}

/** A domain of two segments or more; a dot at its end is fine. Every segment must be a label. */
export function isFullyQualifiedDomainName(path: Path, name: string): ErrorList {
  if (name === '') return [required(path)];
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  const problems = isDNS1123Subdomain(bare);
  if (problems.length) return [invalid(path, bare, problems.join(','))];
  const labels = bare.split('.');
  if (labels.length < 2)
    return [invalid(path, bare, 'should be a domain with at least two segments separated by dots')];
  const wrong = labels.find((label) => isDNS1123Label(label).length > 0);
  return wrong === undefined ? [] : [invalid(path, wrong, isDNS1123Label(wrong).join(','))];
}

/** `acme.io/foo`: a subdomain, a slash and the characters of a URL's path. */
export function isDomainPrefixedPath(path: Path, value: string): ErrorList {
  if (value === '') return [required(path)];
  const slash = value.indexOf('/');
  if (slash <= 0 || slash === value.length - 1)
    return [invalid(path, value, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const host = value.slice(0, slash);
  const rest = value.slice(slash + 1);
  return [
    ...isDNS1123Subdomain(host).map((problem) => invalid(path, host, problem)),
    ...isHTTPPath(rest).map((problem) => invalid(path, rest, problem)),
  ];
}

/** `acme.io/foo`: a qualified name whose prefix is not left out. */
export function isDomainPrefixedKey(path: Path, key: string): ErrorList {
  if (key === '') return [required(path)];
  const problems = isQualifiedName(key);
  if (problems.length) return problems.map((problem) => invalid(path, key, problem));
  return key.includes('/') ? [] : [invalid(path, key, 'must be a domain-prefixed key (such as "acme.io/foo")')];
}
