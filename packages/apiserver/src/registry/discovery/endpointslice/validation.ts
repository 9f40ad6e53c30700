/** Compare pkg/apis/discovery/validation. */
import { semanticEqual } from '@keelson/api/codec/equality';
import { duplicate, type ErrorList, invalid, notSupported, Path, required, tooMany } from '@keelson/api/field';
import type { Endpoint, EndpointHints, EndpointPort, EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { parseIPSloppy } from '@keelson/api/ip';
import { isFullyQualifiedDomainName } from '@keelson/api/validation/domains';
import { isDNS1123Label, isQualifiedName, isValidLabelValue, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import type { IsEnabled } from '../../../gates.ts';
import { immutableName, invalidFor } from '../../validation/fields.ts';
import { validateEndpointIP, validateIP, validateLegacyIP } from '../../validation/ip.ts';
import { validateLabels } from '../../validation/labelselector.ts';

const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const MAX_ADDRESSES = 100;
const MAX_PORTS = 20000;
const MAX_ENDPOINTS = 1000;
const MAX_TOPOLOGY_LABELS = 16;
const MAX_HINTS = 8;

/** @param old endpoints that do not change are not judged again */
export function validateEndpointSlice(slice: EndpointSlice, isEnabled: IsEnabled, old?: EndpointSlice): ErrorList {
  const endpoints = old && semanticEqual(slice.endpoints, old.endpoints) ? [] : validateEndpoints(slice, isEnabled);
  return [...validateAddressType(slice.addressType), ...validatePorts(slice.ports ?? []), ...endpoints];
}

export function validateEndpointSliceUpdate(slice: EndpointSlice, old: EndpointSlice, isEnabled: IsEnabled): ErrorList {
  return [
    ...validateEndpointSlice(slice, isEnabled, old),
    ...immutableName(slice.addressType, old.addressType, Path.of('addressType')),
  ];
}

function validateAddressType(type: string): ErrorList {
  const path = Path.of('addressType');
  if (!type) return [required(path)];
  return ADDRESS_TYPES.includes(type) ? [] : [notSupported(path, type, ADDRESS_TYPES)];
}

function validatePorts(ports: readonly EndpointPort[]): ErrorList {
  const path = Path.of('ports');
  if (ports.length > MAX_PORTS) return [tooMany(path, ports.length, MAX_PORTS)];
  const names = new Set<string>();
  return ports.flatMap((port, i) => validatePort(port, names, path.index(i)));
}

function validatePort({ name = '', protocol, appProtocol }: EndpointPort, names: Set<string>, path: Path): ErrorList {
  const errors: ErrorList = [];
  if (name) errors.push(...invalidFor(path.child('name'), name, isDNS1123Label(name)));
  if (names.has(name)) errors.push(duplicate(path.child('name'), name));
  names.add(name);
  if (protocol === undefined) errors.push(required(path.child('protocol')));
  else if (!PROTOCOLS.includes(protocol)) errors.push(notSupported(path.child('protocol'), protocol, PROTOCOLS));
  if (appProtocol !== undefined)
    errors.push(...invalidFor(path.child('appProtocol'), appProtocol, isQualifiedName(appProtocol)));
  return errors;
}

function validateEndpoints({ endpoints, addressType }: EndpointSlice, isEnabled: IsEnabled): ErrorList {
  const path = Path.of('endpoints');
  const count = endpoints?.length ?? 0;
  if (count > MAX_ENDPOINTS) return [tooMany(path, count, MAX_ENDPOINTS)];
  return (endpoints ?? []).flatMap((endpoint, i) => validateEndpoint(endpoint, addressType, isEnabled, path.index(i)));
}

function validateEndpoint(endpoint: Endpoint, addressType: string, isEnabled: IsEnabled, path: Path): ErrorList {
  const { nodeName, hostname, deprecatedTopology, hints } = endpoint;
  const addresses = endpoint.addresses ?? [];
  const at = path.child('addresses');
  const errors: ErrorList = [];
  if (addresses.length === 0) errors.push(required(at, 'must contain at least 1 address'));
  else if (addresses.length > MAX_ADDRESSES) errors.push(tooMany(at, addresses.length, MAX_ADDRESSES));
  for (const [i, address] of addresses.entries())
    errors.push(...validateAddress(address, addressType, isEnabled, at, at.index(i)));
  if (nodeName !== undefined)
    errors.push(...invalidFor(path.child('nodeName'), nodeName, nameIsDNSSubdomain(nodeName, false)));
  const topology = Object.keys(deprecatedTopology ?? {}).length;
  const topologyPath = path.child('deprecatedTopology');
  if (topology > MAX_TOPOLOGY_LABELS) errors.push(tooMany(topologyPath, topology, MAX_TOPOLOGY_LABELS));
  errors.push(...validateLabels(deprecatedTopology, topologyPath));
  if (hostname !== undefined) errors.push(...invalidFor(path.child('hostname'), hostname, isDNS1123Label(hostname)));
  if (hints) errors.push(...validateHints(hints, path.child('hints')));
  return errors;
}

/** @param list where a wrong family is reported, @param path where the rest is */
function validateAddress(address: string, type: string, isEnabled: IsEnabled, list: Path, path: Path): ErrorList {
  if (type === 'FQDN') return isFullyQualifiedDomainName(path, address);
  if (type !== 'IPv4' && type !== 'IPv6') return [];
  const errors = type === 'IPv4' ? validateLegacyIP(path, address, isEnabled) : validateIP(path, address);
  if (errors.length > 0) return errors;
  const family = parseIPSloppy(address)!.family === type ? [] : [invalid(list, address, `must be an ${type} address`)];
  return [...family, ...validateEndpointIP(address, path)];
}

function validateHints({ forZones, forNodes }: EndpointHints, path: Path): ErrorList {
  const zonesPath = path.child('forZones');
  const nodesPath = path.child('forNodes');
  if ((forZones?.length ?? 0) > MAX_HINTS) return [tooMany(zonesPath, forZones!.length, MAX_HINTS)];
  const zones = validateNames(forZones, zonesPath, isValidLabelValue);
  if ((forNodes?.length ?? 0) > MAX_HINTS) return [...zones, tooMany(nodesPath, forNodes!.length, MAX_HINTS)];
  return [...zones, ...validateNames(forNodes, nodesPath, (name) => nameIsDNSSubdomain(name, false))];
}

function validateNames(
  hints: readonly { name: string }[] | undefined,
  path: Path,
  rule: (name: string) => string[],
): ErrorList {
  const seen = new Set<string>();
  return (hints ?? []).flatMap(({ name }, i) => {
    const at = path.index(i).child('name');
    const repeated = seen.has(name) ? [duplicate(at, name)] : [];
    seen.add(name);
    return [...repeated, ...invalidFor(at, name, rule(name))];
  });
}
