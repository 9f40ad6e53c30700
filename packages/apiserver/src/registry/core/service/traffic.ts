/** How traffic reaches a Service's endpoints: its policies and the health check port. */
import { type ErrorList, invalid, notSupported, Path, plain, required } from '@keelson/api/field';
import type { Service } from '@keelson/api/generated/types/core/v1';
import { isValidPortNum } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';
import { isExternallyAccessible, needsHealthCheck } from './predicates.ts';

const SPEC = Path.of('spec');
const POLICIES = ['Cluster', 'Local'];
const DISTRIBUTIONS = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];

export function validateTraffic(service: Service): ErrorList {
  return [
    ...validateExternalPolicy(service),
    ...validateHealthCheckNodePort(service),
    ...validateInternalPolicy(service),
    ...validateDistribution(service.spec.trafficDistribution),
  ];
}

function validateExternalPolicy(service: Service): ErrorList {
  const policy = service.spec.externalTrafficPolicy ?? '';
  const path = SPEC.child('externalTrafficPolicy');
  if (!isExternallyAccessible(service))
    return policy === '' ? [] : [invalid(path, policy, 'may only be set for externally-accessible services')];
  if (policy === '') return [required(path)];
  return POLICIES.includes(policy) ? [] : [notSupported(path, policy, POLICIES)];
}

function validateHealthCheckNodePort(service: Service): ErrorList {
  const port = service.spec.healthCheckNodePort ?? 0;
  const path = SPEC.child('healthCheckNodePort');
  if (needsHealthCheck(service)) return port === 0 ? [required(path)] : invalidFor(path, port, isValidPortNum(port));
  return port === 0
    ? []
    : [invalid(path, port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'")];
}

function validateInternalPolicy({ spec }: Service): ErrorList {
  const policy = spec.internalTrafficPolicy;
  const path = SPEC.child('internalTrafficPolicy');
  if (policy === undefined)
    return ['NodePort', 'LoadBalancer', 'ClusterIP'].includes(spec.type ?? '') ? [required(path)] : [];
  return POLICIES.includes(policy) ? [] : [notSupported(path, policy, POLICIES)];
}

function validateDistribution(distribution: string | undefined): ErrorList {
  if (distribution === undefined || DISTRIBUTIONS.includes(distribution)) return [];
  return [notSupported(SPEC.child('trafficDistribution'), plain(distribution), DISTRIBUTIONS)];
}
