/** Updates of Services and of their status. */
import { type ErrorList, forbidden, invalid, notSupported, Path, required } from '@keelson/api/field';
import type { LoadBalancerIngress, LoadBalancerStatus, Service } from '@keelson/api/generated/types/core/v1';
import { parseIPSloppy } from '@keelson/api/ip';
import { isDNS1123Subdomain } from '@keelson/api/validation/names';
import type { IsEnabled } from '../../../gates.ts';
import { invalidFor } from '../../validation/fields.ts';
import { validateLegacyIP } from '../../validation/ip.ts';
import { validateClusterIPsUpdate, validateFamiliesUpdate } from './clusterips.ts';
import { needsHealthCheck } from './predicates.ts';
import { validateLoadBalancerClass, validateService } from './validation.ts';

const IP_MODES = ['Proxy', 'VIP'];

export function validateServiceUpdate(service: Service, old: Service, isEnabled: IsEnabled): ErrorList {
  return [
    ...validateClusterIPsUpdate(service, old),
    ...validateFamiliesUpdate(service, old),
    ...validateLoadBalancerClassUpdate(service, old),
    ...validateLoadBalancerClass(service),
    ...validateHealthCheckUpdate(service, old),
    ...validateService(service, isEnabled, old),
  ];
}

function validateLoadBalancerClassUpdate({ spec }: Service, old: Service): ErrorList {
  if (spec.type !== 'LoadBalancer' || old.spec.type !== 'LoadBalancer') return [];
  if (spec.loadBalancerClass === old.spec.loadBalancerClass) return [];
  return [invalid(Path.of('spec', 'loadBalancerClass'), spec.loadBalancerClass, 'may not change once set')];
}

function validateHealthCheckUpdate(service: Service, old: Service): ErrorList {
  if (!needsHealthCheck(service) || !needsHealthCheck(old)) return [];
  return service.spec.healthCheckNodePort === old.spec.healthCheckNodePort
    ? []
    : [forbidden(Path.of('spec', 'healthCheckNodePort'), 'field is immutable')];
}

export function validateServiceStatusUpdate(service: Service, old: Service, isEnabled: IsEnabled): ErrorList {
  const balances = service.spec.type === 'LoadBalancer';
  return validateLoadBalancerStatus(
    service.status.loadBalancer,
    old.status.loadBalancer,
    Path.of('status', 'loadBalancer'),
    balances,
    isEnabled,
  );
}

function validateLoadBalancerStatus(
  status: LoadBalancerStatus,
  old: LoadBalancerStatus,
  path: Path,
  balances: boolean,
  isEnabled: IsEnabled,
): ErrorList {
  const at = path.child('ingress');
  if (!balances && status.ingress?.length)
    return [forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'")];
  const existing = (old.ingress ?? []).flatMap((i) => (i.ip ? [i.ip] : []));
  return (status.ingress ?? []).flatMap((ingress, i) => validateIngress(ingress, existing, isEnabled, at.index(i)));
}

function validateIngress(
  { ip, ipMode, hostname }: LoadBalancerIngress,
  existing: string[],
  isEnabled: IsEnabled,
  path: Path,
): ErrorList {
  const errors: ErrorList = [];
  const modePath = path.child('ipMode');
  if (ip) errors.push(...validateLegacyIP(path.child('ip'), ip, isEnabled, existing));
  if (ipMode === undefined) {
    if (ip) errors.push(required(modePath, 'must be specified when `ip` is set'));
  } else if (!ip) {
    errors.push(forbidden(modePath, 'may not be specified when `ip` is not set'));
  } else if (!IP_MODES.includes(ipMode)) {
    errors.push(notSupported(modePath, ipMode, IP_MODES));
  }
  if (!hostname) return errors;
  const hostPath = path.child('hostname');
  errors.push(...invalidFor(hostPath, hostname, isDNS1123Subdomain(hostname)));
  if (parseIPSloppy(hostname)) errors.push(invalid(hostPath, hostname, 'must be a DNS name, not an IP address'));
  return errors;
}
