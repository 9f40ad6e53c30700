/** Compare pkg/apis/core/validation: validateService. */
import { duplicate, type ErrorList, forbidden, invalid, notSupported, Path, required } from '@keelson/api/field';
import type { Service, ServicePort } from '@keelson/api/generated/types/core/v1';
import type { IntOrString } from '@keelson/api/scalars';
import {
  isDNS1123Label,
  isDNS1123Subdomain,
  isQualifiedName,
  isValidPortName,
  isValidPortNum,
} from '@keelson/api/validation/names';
import type { IsEnabled } from '../../../gates.ts';
import { invalidFor } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { validateEndpointIP, validateLegacyCIDR, validateLegacyIP } from '../../validation/ip.ts';
import { validateLabels } from '../../validation/labelselector.ts';
import { validateClusterIPs } from './clusterips.ts';
import { isHeadless } from './predicates.ts';
import { validateTraffic } from './traffic.ts';

const SPEC = Path.of('spec');
const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const AFFINITIES = ['ClientIP', 'None'];
const MAX_AFFINITY_SECONDS = 86400;
const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints';
const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode';
const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges';

/** @param old the service before an update: addresses that it holds already are not judged again */
export function validateService(service: Service, isEnabled: IsEnabled, old?: Service): ErrorList {
  const { spec } = service;
  return [
    ...validateTopologyAnnotations(service),
    ...validateType(service),
    ...validatePorts(service),
    ...validateLabels(spec.selector, SPEC.child('selector')),
    ...validateSessionAffinity(service),
    ...validateClusterIPs(service, isEnabled, old),
    ...validateExternalIPs(service, isEnabled, old),
    ...validateTypeName(spec.type ?? ''),
    ...validatePortConflicts(service),
    ...validateSourceRanges(service, isEnabled, old),
    ...validateNodePortAllocation(service),
    ...validateLoadBalancerClass(service),
    ...validateTraffic(service),
  ];
}

function validateTopologyAnnotations({ metadata }: Service): ErrorList {
  const { [TOPOLOGY_HINTS]: hints, [TOPOLOGY_MODE]: mode } = metadata.annotations ?? {};
  if (hints === undefined || mode === undefined || hints === mode) return [];
  const path = Path.of('metadata', 'annotations').key(TOPOLOGY_MODE);
  return [invalid(path, mode, `must match annotations[${TOPOLOGY_HINTS}] when both are specified`)];
}

function validateType(service: Service): ErrorList {
  const { spec } = service;
  const errors: ErrorList = [];
  if (!spec.ports?.length && !isHeadless(service) && spec.type !== 'ExternalName')
    errors.push(required(SPEC.child('ports')));
  if (spec.type === 'LoadBalancer' || spec.type === 'NodePort') {
    if (isHeadless(service))
      errors.push(
        invalid(SPEC.child('clusterIPs').index(0), 'None', `may not be set to 'None' for ${spec.type} services`),
      );
  } else if (spec.type === 'ExternalName') {
    const unset = (name: string) =>
      errors.push(forbidden(SPEC.child(name), 'may not be set for ExternalName services'));
    if (spec.clusterIPs?.length) unset('clusterIPs');
    if (spec.ipFamilies?.length) unset('ipFamilies');
    if (spec.ipFamilyPolicy !== undefined) unset('ipFamilyPolicy');
    const path = SPEC.child('externalName');
    const name = (spec.externalName ?? '').replace(/\.$/, '');
    errors.push(...(name === '' ? [required(path)] : invalidFor(path, name, isDNS1123Subdomain(name))));
  }
  return errors;
}

function validatePorts({ spec }: Service): ErrorList {
  const ports = spec.ports ?? [];
  const names = new Set<string>();
  return ports.flatMap((port, i) => validatePort(port, ports.length > 1, names, SPEC.child('ports').index(i)));
}

function validatePort(port: ServicePort, requireName: boolean, names: Set<string>, path: Path): ErrorList {
  const errors: ErrorList = [];
  const { name, protocol, appProtocol } = port;
  if (name) {
    errors.push(...invalidFor(path.child('name'), name, isDNS1123Label(name)));
    if (names.has(name)) errors.push(duplicate(path.child('name'), name));
    names.add(name);
  } else if (requireName) {
    errors.push(required(path.child('name')));
  }
  errors.push(...invalidFor(path.child('port'), port.port, isValidPortNum(port.port)));
  if (!protocol) errors.push(required(path.child('protocol')));
  else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(path.child('protocol'), protocol, PROTOCOLS));
  errors.push(...validatePortNumOrName(port.targetPort ?? 0, path.child('targetPort')));
  if (appProtocol !== undefined)
    errors.push(...invalidFor(path.child('appProtocol'), appProtocol, isQualifiedName(appProtocol)));
  return errors;
}

function validatePortNumOrName(port: IntOrString, path: Path): ErrorList {
  return invalidFor(path, port, typeof port === 'number' ? isValidPortNum(port) : isValidPortName(port));
}

function validateSessionAffinity({ spec }: Service): ErrorList {
  const errors: ErrorList = [];
  const { sessionAffinity, sessionAffinityConfig: config } = spec;
  const path = SPEC.child('sessionAffinity');
  if (!sessionAffinity) errors.push(required(path));
  else if (!AFFINITIES.includes(sessionAffinity)) errors.push(notSupported(path, sessionAffinity, AFFINITIES));
  const configPath = SPEC.child('sessionAffinityConfig');
  if (sessionAffinity === 'None' && config)
    errors.push(forbidden(configPath, 'must not be set when session affinity is None'));
  if (sessionAffinity !== 'ClientIP') return errors;
  const missing = 'when session affinity type is ClientIP';
  if (!config) return [...errors, required(configPath, missing)];
  if (!config.clientIP) return [...errors, required(configPath.child('clientIP'), missing)];
  const seconds = config.clientIP.timeoutSeconds;
  const secondsPath = configPath.child('clientIP', 'timeoutSeconds');
  if (seconds === undefined) errors.push(required(secondsPath, missing));
  else if (seconds <= 0 || seconds > MAX_AFFINITY_SECONDS)
    errors.push(invalid(secondsPath, seconds, `must be greater than 0 and less than ${MAX_AFFINITY_SECONDS}`));
  return errors;
}

function validateExternalIPs({ spec }: Service, isEnabled: IsEnabled, old: Service | undefined): ErrorList {
  return (spec.externalIPs ?? []).flatMap((ip, i) => {
    const path = SPEC.child('externalIPs').index(i);
    const errors = validateLegacyIP(path, ip, isEnabled, old?.spec.externalIPs);
    return errors.length > 0 ? errors : validateEndpointIP(ip, path);
  });
}

function validateTypeName(type: string): ErrorList {
  const path = SPEC.child('type');
  if (type === '') return [required(path)];
  return TYPES.includes(type) ? [] : [notSupported(path, type, TYPES)];
}

/** Node ports where there are none, and ports or node ports that two entries claim for one protocol. */
function validatePortConflicts({ spec }: Service): ErrorList {
  const ports = (spec.ports ?? []).map((port, i) => ({ port, path: SPEC.child('ports').index(i) }));
  const errors: ErrorList = [];
  if (spec.type === 'ClusterIP')
    for (const { port, path } of ports)
      if (port.nodePort) errors.push(forbidden(path.child('nodePort'), "may not be used when `type` is 'ClusterIP'"));
  const nodePorts = new Set<string>();
  for (const { port, path } of ports) {
    if (!port.nodePort) continue;
    const key = `${port.protocol}/${port.nodePort}`;
    if (nodePorts.has(key)) errors.push(duplicate(path.child('nodePort'), port.nodePort));
    nodePorts.add(key);
  }
  const numbers = new Set<string>();
  for (const { port, path } of ports) {
    const key = `${port.protocol}/${port.port}`;
    const shown = { protocol: port.protocol, port: port.port };
    if (numbers.has(key)) errors.push(duplicate(path, internalValue('io.k8s.api.core.v1.ServicePort', shown)));
    numbers.add(key);
  }
  return errors;
}

/** By field, or by the older annotation. Values may be padded with spaces. */
function validateSourceRanges({ metadata, spec }: Service, isEnabled: IsEnabled, old: Service | undefined): ErrorList {
  const errors: ErrorList = [];
  const onlyBalancers = (path: Path) => {
    if (spec.type !== 'LoadBalancer') errors.push(forbidden(path, "may only be used when `type` is 'LoadBalancer'"));
  };
  if (spec.loadBalancerSourceRanges?.length) {
    const path = SPEC.child('LoadBalancerSourceRanges');
    onlyBalancers(path);
    const existing = old?.spec.loadBalancerSourceRanges?.map((r) => r.trim());
    for (const [i, range] of spec.loadBalancerSourceRanges.entries())
      errors.push(...validateLegacyCIDR(path.index(i), range.trim(), isEnabled, existing));
    return errors;
  }
  const annotation = metadata.annotations?.[SOURCE_RANGES];
  if (annotation === undefined) return errors;
  const path = Path.of('metadata', 'annotations').key(SOURCE_RANGES);
  onlyBalancers(path);
  if (annotation.trim() !== '' && old?.metadata.annotations?.[SOURCE_RANGES] !== annotation)
    for (const range of annotation.trim().split(',')) errors.push(...validateLegacyCIDR(path, range.trim(), isEnabled));
  return errors;
}

function validateNodePortAllocation({ spec }: Service): ErrorList {
  const allocate = spec.allocateLoadBalancerNodePorts;
  const balancer = spec.type === 'LoadBalancer';
  if (allocate !== undefined && !balancer)
    return [forbidden(SPEC.child('allocateLoadBalancerNodePorts'), "may only be used when `type` is 'LoadBalancer'")];
  return allocate === undefined && balancer ? [required(Path.of('allocateLoadBalancerNodePorts'))] : [];
}

export function validateLoadBalancerClass({ spec }: Service): ErrorList {
  const { loadBalancerClass } = spec;
  const path = SPEC.child('loadBalancerClass');
  if (loadBalancerClass === undefined) return [];
  return spec.type === 'LoadBalancer'
    ? invalidFor(path, loadBalancerClass, isQualifiedName(loadBalancerClass))
    : [forbidden(path, "may only be used when `type` is 'LoadBalancer'")];
}
