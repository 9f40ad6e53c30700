/** Compare pkg/apis/networking/validation: ValidateIngress. */
import { type ErrorList, invalid, notSupported, Path, required } from '@keelson/api/field';
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressRule,
  IngressServiceBackend,
  IngressTLS,
} from '@keelson/api/generated/types/networking/v1';
import { parseIPSloppy } from '@keelson/api/ip';
import {
  isDNS1123Subdomain,
  isValidPortName,
  isValidPortNum,
  isWildcardDNS1123Subdomain,
  type NameRule,
  nameIsDNS1035Label,
  nameIsDNSLabel,
  nameIsDNSSubdomain,
} from '@keelson/api/validation/names';
import type { IsEnabled } from '../../../gates.ts';
import { invalidFor } from '../../validation/fields.ts';
import { validateLegacyIP } from '../../validation/ip.ts';
import { validateTypedReference } from '../reference.ts';

export const CLASS_ANNOTATION = 'kubernetes.io/ingress.class';

const SPEC = Path.of('spec');
const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];
const BAD_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F'];
const BAD_SUFFIXES = ['/..', '/.'];
const NO_IP = 'must be a DNS name, not an IP address';

export function validateIngressCreate(ingress: Ingress, isEnabled: IsEnabled): ErrorList {
  const annotation = ingress.metadata.annotations?.[CLASS_ANNOTATION];
  const { ingressClassName } = ingress.spec;
  const errors = validateIngress(ingress, isEnabled);
  if (annotation !== undefined && ingressClassName !== undefined && annotation !== ingressClassName)
    errors.push(
      invalid(
        Path.of('annotations', CLASS_ANNOTATION),
        annotation,
        'must match `ingressClassName` when both are specified',
      ),
    );
  return errors;
}

/** @param old the object before an update: mistakes of kinds that it holds already are let pass */
export function validateIngress({ spec }: Ingress, isEnabled: IsEnabled, old?: Ingress): ErrorList {
  const errors: ErrorList = [];
  const rules = spec.rules ?? [];
  const isServiceName =
    isEnabled('RelaxedServiceNameValidation') || hasRelaxedName(old) ? nameIsDNSLabel : nameIsDNS1035Label;
  if (rules.length === 0 && !spec.defaultBackend)
    errors.push(invalid(SPEC, spec.rules, 'either `defaultBackend` or `rules` must be specified'));
  if (spec.defaultBackend)
    errors.push(...validateBackend(spec.defaultBackend, isServiceName, SPEC.child('defaultBackend')));
  const laxWildcards = (old?.spec.rules ?? []).some(
    (r) => r.host?.includes('*') && validatePaths(r, isServiceName, Path.root).length > 0,
  );
  for (const [i, rule] of rules.entries())
    errors.push(...validateRule(rule, isServiceName, laxWildcards, SPEC.child('rules').index(i)));
  const laxSecrets = (old?.spec.tls ?? []).some((t) => secretNameProblems(t).length > 0);
  for (const [i, tls] of (spec.tls ?? []).entries())
    errors.push(...validateTLS(tls, laxSecrets, SPEC.child('tls').index(i)));
  const name = spec.ingressClassName;
  if (name !== undefined)
    errors.push(...invalidFor(SPEC.child('ingressClassName'), name, nameIsDNSSubdomain(name, false)));
  return errors;
}

function hostProblems(host: string): string[] {
  return host.includes('*') ? isWildcardDNS1123Subdomain(host) : isDNS1123Subdomain(host);
}

function validateRule(rule: IngressRule, isServiceName: NameRule, laxWildcards: boolean, path: Path): ErrorList {
  const { host = '' } = rule;
  const hostPath = path.child('host');
  const errors: ErrorList = [];
  if (host !== '') {
    if (parseIPSloppy(host)) errors.push(invalid(hostPath, host, NO_IP));
    errors.push(...invalidFor(hostPath, host, hostProblems(host)));
  }
  if (!host.includes('*') || !laxWildcards) errors.push(...validatePaths(rule, isServiceName, path));
  return errors;
}

function validatePaths({ http }: IngressRule, isServiceName: NameRule, path: Path): ErrorList {
  if (!http) return [];
  const at = path.child('http', 'paths');
  if (!http.paths?.length) return [required(at)];
  return http.paths.flatMap((p, i) => validatePath(p, isServiceName, at.index(i)));
}

function validatePath(
  { path: value = '', pathType, backend }: HTTPIngressPath,
  isServiceName: NameRule,
  at: Path,
): ErrorList {
  if (pathType === undefined || pathType === null)
    return [required(at.child('pathType'), 'pathType must be specified')];
  const path = at.child('path');
  const errors: ErrorList = [];
  const absolute = value.startsWith('/') ? [] : [invalid(path, value, 'must be an absolute path')];
  if (pathType === 'Exact' || pathType === 'Prefix') {
    errors.push(...absolute);
    for (const bad of BAD_SEQUENCES)
      if (value.includes(bad)) errors.push(invalid(path, value, `must not contain '${bad}'`));
    for (const bad of BAD_SUFFIXES)
      if (value.endsWith(bad)) errors.push(invalid(path, value, `cannot end with '${bad}'`));
  } else if (pathType === 'ImplementationSpecific') {
    if (value !== '') errors.push(...absolute);
  } else {
    errors.push(notSupported(at.child('pathType'), pathType, PATH_TYPES));
  }
  return [...errors, ...validateBackend(backend, isServiceName, at.child('backend'))];
}

function validateBackend({ resource, service }: IngressBackend, isServiceName: NameRule, path: Path): ErrorList {
  if (resource && service) return [invalid(path, '', 'cannot set both resource and service backends')];
  if (resource) return validateTypedReference(resource, path.child('resource'));
  return service
    ? validateService(service, isServiceName, path)
    : [invalid(path, '', 'resource or service backend is required')];
}

/** Some backend has a name that services could not have of old. */
function hasRelaxedName(ingress: Ingress | undefined): boolean {
  const { defaultBackend, rules = [] } = ingress?.spec ?? {};
  const backends = [defaultBackend, ...rules.flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend))];
  return backends.some((backend) => {
    const name = backend?.service?.name;
    if (name === undefined) return false;
    return nameIsDNSLabel(name, false).length === 0 && nameIsDNS1035Label(name, false).length > 0;
  });
}

function validateService({ name, port }: IngressServiceBackend, isServiceName: NameRule, path: Path): ErrorList {
  const namePath = path.child('service', 'name');
  const portPath = path.child('service', 'port');
  const errors = name ? invalidFor(namePath, name, isServiceName(name, false)) : [required(namePath)];
  if (port.name && port.number) errors.push(invalid(path, '', 'cannot set both port name & port number'));
  else if (port.name) errors.push(...invalidFor(portPath.child('name'), port.name, isValidPortName(port.name)));
  else if (port.number) errors.push(...invalidFor(portPath.child('number'), port.number, isValidPortNum(port.number)));
  else errors.push(required(path, 'port name or number is required'));
  return errors;
}

function validateTLS(tls: IngressTLS, laxSecrets: boolean, path: Path): ErrorList {
  return [
    ...(tls.hosts ?? []).flatMap((host, i) => invalidFor(path.child('hosts').index(i), host, hostProblems(host))),
    ...(laxSecrets ? [] : invalidFor(path.child('secretName'), tls.secretName, secretNameProblems(tls))),
  ];
}

function secretNameProblems({ secretName }: IngressTLS): string[] {
  return secretName ? nameIsDNSSubdomain(secretName, false) : [];
}

export function validateIngressStatusUpdate({ status }: Ingress, old: Ingress, isEnabled: IsEnabled): ErrorList {
  const existing = (old.status.loadBalancer.ingress ?? []).flatMap((i) => (i.ip ? [i.ip] : []));
  return (status.loadBalancer.ingress ?? []).flatMap(({ ip, hostname }, i) => {
    const path = Path.of('status', 'loadBalancer', 'ingress').index(i);
    const hostPath = path.child('hostname');
    return [
      ...(ip ? validateLegacyIP(path.child('ip'), ip, isEnabled, existing) : []),
      ...(hostname ? invalidFor(hostPath, hostname, isDNS1123Subdomain(hostname)) : []),
      ...(hostname && parseIPSloppy(hostname) ? [invalid(hostPath, hostname, NO_IP)] : []),
    ];
  });
}
