/** What an EgressSelectorConfiguration may say (apiserver/pkg/server/egressselector/config.go). */
import {
  duplicate,
  type FieldError,
  GoValue,
  goJSON,
  invalid,
  notSupported,
  type Path,
  Path as Paths,
  plain,
  required,
} from '@keelson/api/field';
import type { EgressSelection, TcpConfiguration, TlsConfiguration, Transport } from './configuration.ts';

export const EGRESS_NAMES = ['cluster', 'controlplane', 'etcd'] as const;

/** Where everything stands, as upstream says. */
const CONNECTION = Paths.of('service', 'connection');

/** @param exists whether there is a file. @returns everything that is wrong */
export function* validateEgress(
  selections: readonly EgressSelection[],
  exists: (path: string) => boolean,
): Iterable<FieldError> {
  for (const selection of selections) yield* validateConnection(selection, exists);
  const seen = new Set<string>();
  for (const [i, selection] of selections.entries()) {
    const name = selection.name.toLowerCase();
    if (seen.has(name)) yield duplicate(CONNECTION.index(i), name);
    else if (!EGRESS_NAMES.some((known) => known === name)) yield notSupported(CONNECTION, plain(name), EGRESS_NAMES);
    seen.add(name);
  }
}

function* validateConnection(
  { proxyProtocol, transport }: EgressSelection,
  exists: (path: string) => boolean,
): Iterable<FieldError> {
  const at = CONNECTION.child('transport');
  switch (proxyProtocol) {
    case 'Direct':
      if (transport) yield invalid(at, 'direct', 'config must be absent for direct connect');
      return;
    case 'HTTPConnect':
      if (transport) yield* validateHttpConnect(transport, exists);
      else yield required(at, 'transport must be set for HTTPConnect');
      return;
    case 'GRPC':
      if (!transport) yield required(at, 'transport must be set for GRPC');
      else if (transport.uds) yield* validateUds(transport.uds.udsName);
      else yield required(CONNECTION.child('uds'), 'UDS must be set with GRPC');
      return;
    default:
      yield notSupported(CONNECTION.child('protocol'), proxyProtocol, ['Direct', 'HTTPConnect', 'GRPC']);
  }
}

function* validateHttpConnect({ tcp, uds }: Transport, exists: (path: string) => boolean): Iterable<FieldError> {
  const at = CONNECTION.child('tcp');
  if (tcp && uds) yield invalid(at, new GoValue(goJSON(internalForm(tcp))), 'TCP and UDS cannot both be set');
  else if (tcp) yield* validateTcp(tcp, exists);
  else if (uds) yield* validateUds(uds.udsName);
  else yield required(at, 'One of TCP or UDS must be set');
}

/** The names of upstream's internal version, which its messages show. */
function internalForm({ url, tlsConfig }: TcpConfiguration): object {
  const { caBundle, clientKey, clientCert, tlsServerName } = tlsConfig ?? {};
  const shown = { CABundle: caBundle, ClientKey: clientKey, ClientCert: clientCert, TLSServerName: tlsServerName };
  return { URL: url, TLSConfig: tlsConfig ? shown : null };
}

function* validateUds(name: string): Iterable<FieldError> {
  if (name === '') yield invalid(CONNECTION.child('udsName'), 'nil', 'must be present for UDS connections');
}

function* validateTcp({ url, tlsConfig }: TcpConfiguration, exists: (path: string) => boolean): Iterable<FieldError> {
  const at = CONNECTION.child('tlsConfig');
  if (url.startsWith('http://')) {
    if (tlsConfig) yield invalid(at, 'nil', 'config must not be present when using HTTP');
  } else if (!url.startsWith('https://'))
    yield invalid(CONNECTION.child('url'), url, 'supported connection protocols are http:// and https://');
  else if (tlsConfig) yield* validateTls(tlsConfig, at, exists);
  else yield required(at, 'TLSConfig must be present when using HTTPS');
}

function* validateTls(
  { caBundle, clientCert, clientKey }: TlsConfiguration,
  at: Path,
  exists: (path: string) => boolean,
): Iterable<FieldError> {
  const needed = (name: string, path: string, missing: string, what: string): FieldError[] => {
    if (path === '') return [invalid(at.child(name), 'nil', missing)];
    return exists(path) ? [] : [invalid(at.child(name), path, `${what} does not exist`)];
  };
  if (caBundle !== '' && !exists(caBundle))
    yield invalid(at.child('caBundle'), caBundle, 'TLS config ca bundle does not exist');
  yield* needed('clientCert', clientCert, 'Using TLS requires clientCert', 'TLS client cert');
  yield* needed('clientKey', clientKey, 'Using TLS requires requires clientKey', 'TLS client key');
}
