/** Names of signers and of the trust bundles that belong to them (core/validation/names.go). */
import { type ErrorList, invalid, type Path, quote, required, tooLong } from '@keelson/api/field';
import { isDNS1123Label, isDNS1123Subdomain, nameIsDNSSubdomain } from '@keelson/api/validation/names';

const MAX_DOMAIN = 253;
const MAX_LABEL = 63;
/** A domain, then a namespace and a name. */
const MAX_SIGNER = MAX_DOMAIN + 1 + MAX_LABEL + 1 + MAX_DOMAIN;

/** Reserved for the project itself. */
export function isKubernetesSigner(name: string): boolean {
  const host = name.split('/', 1)[0]!;
  return host === 'kubernetes.io' || host.endsWith('.kubernetes.io');
}

/** `example.com/signer` */
export function validateSignerName(path: Path, name: string): ErrorList {
  if (name === '') return [required(path)];
  const segments = name.split('/');
  if (segments.length !== 2)
    return [invalid(path, name, "must be a fully qualified domain and path of the form 'example.com/signer-name'")];
  const [domain, rest] = segments as [string, string];
  const errors: ErrorList = [];
  if (Buffer.byteLength(domain) > MAX_DOMAIN) errors.push(tooLong(path, MAX_DOMAIN));
  errors.push(...firstProblem(domain, isDNS1123Label, path));
  if (!domain.includes('.'))
    errors.push(invalid(path, domain, 'should be a domain with at least two segments separated by dots'));
  errors.push(...firstProblem(rest, isDNS1123Subdomain, path));
  if (Buffer.byteLength(name) > MAX_SIGNER) errors.push(tooLong(path, MAX_SIGNER));
  return errors;
}

function firstProblem(segment: string, check: (label: string) => string[], path: Path): ErrorList {
  for (const label of segment.split('.')) {
    const problems = check(label);
    if (problems.length > 0)
      return problems.map((problem) => invalid(path, segment, `validating label ${quote(label)}: ${problem}`));
  }
  return [];
}

/** A bundle of a signer is called `example.com:signer:name`, others have no colon. */
export function clusterTrustBundleNameProblems(name: string): string[] {
  const colon = name.lastIndexOf(':');
  const signer = colon < 0 ? '' : name.slice(0, colon).replaceAll(':', '/');
  return trustBundleNameProblems(name, signer);
}

/** @param signerName empty for bundles that belong to no signer */
export function trustBundleNameProblems(name: string, signerName: string, prefix = false): string[] {
  if (signerName === '') {
    if (name.includes(':')) return ['ClusterTrustBundle without signer name must not have ":" in its name'];
    return nameIsDNSSubdomain(name, prefix);
  }
  const start = `${signerName.replaceAll('/', ':')}:`;
  if (!name.startsWith(start))
    return [`ClusterTrustBundle for signerName ${signerName} must be named with prefix ${start}`];
  return nameIsDNSSubdomain(name.slice(start.length), prefix);
}
