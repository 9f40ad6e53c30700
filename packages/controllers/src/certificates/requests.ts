/** Certificate signing requests: what they ask for, and how they stand (pkg/apis/certificates/helpers.go). */
import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import type { SubjectAlternativeNameExtension } from '@peculiar/x509';

/** OID of the extension with a subject's alternative names. */
export const ALTERNATIVE_NAMES = '2.5.29.17';

export const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet';
export const KUBELET_SERVING = 'kubernetes.io/kubelet-serving';
export const CLIENT = 'kubernetes.io/kube-apiserver-client';

/** A request as X.509 has it. */
export interface ParsedRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dns: readonly string[];
  readonly emails: readonly string[];
  readonly ips: readonly string[];
  readonly urls: readonly string[];
}

/** @param pem base64 of PEM, as objects have it. @throws Error for what is no request, or is not signed by its own key */
export async function parseRequest(pem: string): Promise<ParsedRequest> {
  const { x509 } = await library();
  const text = Buffer.from(pem, 'base64').toString();
  if (!/-----BEGIN CERTIFICATE REQUEST-----/.test(text)) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const request = new x509.Pkcs10CertificateRequest(text);
  if (!(await request.verify())) throw new Error('the request is not signed by its key');
  const names = (request.getExtension(ALTERNATIVE_NAMES) as SubjectAlternativeNameExtension | null)?.names.items ?? [];
  const ofType = (type: string) => names.filter((name) => name.type === type).map(({ value }) => value);
  const subject = request.subjectName;
  return {
    commonName: subject.getField('CN')[0] ?? '',
    organizations: subject.getField('O'),
    dns: ofType('dns'),
    emails: ofType('email'),
    ips: ofType('ip'),
    urls: ofType('url'),
  };
}

/** Loaded when the first certificate is asked for. */
export async function library() {
  await import('reflect-metadata');
  return { x509: await import('@peculiar/x509') };
}

const isNode = ({ organizations, commonName }: ParsedRequest) => {
  if (organizations.length !== 1 || organizations[0] !== 'system:nodes')
    return 'subject organization is not system:nodes';
  return commonName.startsWith('system:node:') ? undefined : 'subject common name does not begin with system:node:';
};

/** @returns what is wrong with a request for a kubelet's client certificate; undefined: nothing */
export function kubeletClientProblem(request: ParsedRequest, usages: readonly string[]): string | undefined {
  const [organization, name] = split(isNode(request));
  if (organization) return organization;
  if (request.dns.length > 0) return 'DNS subjectAltNames are not allowed';
  if (request.emails.length > 0) return 'Email subjectAltNames are not allowed';
  if (request.ips.length > 0) return 'IP subjectAltNames are not allowed';
  if (request.urls.length > 0) return 'URI subjectAltNames are not allowed';
  return name ?? usagesProblem(usages, ['client auth', 'digital signature', 'key encipherment']);
}

/** @returns what is wrong with a request for a kubelet's serving certificate; undefined: nothing */
export function kubeletServingProblem(request: ParsedRequest, usages: readonly string[]): string | undefined {
  const [organization, name] = split(isNode(request));
  if (organization) return organization;
  if (request.dns.length === 0 && request.ips.length === 0) return 'DNS or IP subjectAltName is required';
  if (request.emails.length > 0) return 'Email subjectAltNames are not allowed';
  if (request.urls.length > 0) return 'URI subjectAltNames are not allowed';
  return usagesProblem(usages, ['digital signature', 'key encipherment', 'server auth']) ?? name;
}

/** @returns what is wrong with a request for a client certificate; undefined: nothing */
export function clientProblem(usages: readonly string[]): string | undefined {
  const other = usages.find((usage) => !['digital signature', 'key encipherment', 'client auth'].includes(usage));
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes('client auth') ? undefined : 'missing required usage for client certificate: client auth';
}

/** The organization is looked at first, the name last. */
function split(problem: string | undefined): [organization: string | undefined, name: string | undefined] {
  return problem?.includes('organization') ? [problem, undefined] : [undefined, problem];
}

/** Keys that cannot encipher do without that usage. */
function usagesProblem(usages: readonly string[], wanted: readonly string[]): string | undefined {
  const given = new Set(usages);
  const required = wanted.filter((usage) => usage !== 'key encipherment' || given.has(usage));
  const fits = given.size === required.length && required.every((usage) => given.has(usage));
  return fits ? undefined : `usages did not match [${wanted.join(' ')}]`;
}

export function hasCondition({ status }: CertificateSigningRequest, type: string): boolean {
  return (status?.conditions ?? []).some((condition) => condition.type === type && condition.status !== 'False');
}
