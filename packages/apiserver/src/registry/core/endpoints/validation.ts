/** Compare pkg/apis/core/validation: ValidateEndpoints. */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, notSupported, Path, required } from '@keelson/api/field';
import type { EndpointAddress, EndpointPort, Endpoints } from '@keelson/api/generated/types/core/v1';
import { isDNS1123Label, isQualifiedName, isValidPortNum, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import type { IsEnabled } from '../../../gates.ts';
import { invalidFor } from '../../validation/fields.ts';
import { validateEndpointIP, validateLegacyIP, warningsForIP } from '../../validation/ip.ts';

const SUBSETS = Path.of('subsets');
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const CONTROLLER = 'endpoint-controller';

export function validateEndpoints({ subsets }: Endpoints, isEnabled: IsEnabled): ErrorList {
  return (subsets ?? []).flatMap((subset, i) => {
    const path = SUBSETS.index(i);
    const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
    return [
      ...(addresses.length + notReadyAddresses.length === 0
        ? [required(path, 'must specify `addresses` or `notReadyAddresses`')]
        : []),
      ...addresses.flatMap((a, j) => validateAddress(a, isEnabled, path.child('addresses').index(j))),
      ...notReadyAddresses.flatMap((a, j) => validateAddress(a, isEnabled, path.child('notReadyAddresses').index(j))),
      ...ports.flatMap((p, j) => validatePort(p, ports.length > 1, path.child('ports').index(j))),
    ];
  });
}

/** Subsets that do not change are not judged again. */
export function validateEndpointsUpdate(endpoints: Endpoints, old: Endpoints, isEnabled: IsEnabled): ErrorList {
  return semanticEqual(endpoints.subsets, old.subsets) ? [] : validateEndpoints(endpoints, isEnabled);
}

function validateAddress({ ip, hostname, nodeName }: EndpointAddress, isEnabled: IsEnabled, path: Path): ErrorList {
  return [
    ...validateLegacyIP(path.child('ip'), ip, isEnabled),
    ...(hostname ? invalidFor(path.child('hostname'), hostname, isDNS1123Label(hostname)) : []),
    ...(nodeName === undefined
      ? []
      : invalidFor(path.child('nodeName'), nodeName, nameIsDNSSubdomain(nodeName, false))),
    ...validateEndpointIP(ip, path.child('ip')),
  ];
}

function validatePort(port: EndpointPort, requireName: boolean, path: Path): ErrorList {
  const { name, protocol, appProtocol } = port;
  const errors: ErrorList = [];
  if (name) errors.push(...invalidFor(path.child('name'), name, isDNS1123Label(name)));
  else if (requireName) errors.push(required(path.child('name')));
  errors.push(...invalidFor(path.child('port'), port.port, isValidPortNum(port.port)));
  if (!protocol) errors.push(required(path.child('protocol')));
  else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(path.child('protocol'), protocol, PROTOCOLS));
  if (appProtocol !== undefined)
    errors.push(...invalidFor(path.child('appProtocol'), appProtocol, isQualifiedName(appProtocol)));
  return errors;
}

export function warnings({ metadata, subsets }: Endpoints): string[] {
  if (metadata.labels?.[MANAGED_BY] === CONTROLLER) return [];
  return (subsets ?? []).flatMap((subset, i) =>
    (['addresses', 'notReadyAddresses'] as const).flatMap((kind) =>
      (subset[kind] ?? []).flatMap((a, j) => warningsForIP(SUBSETS.index(i).child(kind).index(j).child('ip'), a.ip)),
    ),
  );
}
