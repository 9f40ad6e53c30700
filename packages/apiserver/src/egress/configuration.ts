/** EgressSelectorConfiguration, apiserver.k8s.io/v1beta1: which connections go through which proxy. */
import type { ConfigObject } from '@keelson/component/configfile';
import { openConfiguration } from '../configuration-file.ts';

export interface TlsConfiguration {
  /** Files; empty: the system's authorities. */
  readonly caBundle: string;
  readonly clientKey: string;
  readonly clientCert: string;
  /** Empty: the host of the URL. */
  readonly tlsServerName: string;
}

export interface TcpConfiguration {
  readonly url: string;
  readonly tlsConfig: TlsConfiguration | undefined;
}

export interface Transport {
  readonly tcp: TcpConfiguration | undefined;
  readonly uds: { readonly udsName: string } | undefined;
}

export interface EgressSelection {
  readonly name: string;
  /** `Direct`, `HTTPConnect` or `GRPC`, where the configuration is valid. */
  readonly proxyProtocol: string;
  readonly transport: Transport | undefined;
}

const VERSIONS = ['apiserver.k8s.io/v1beta1', 'apiserver.k8s.io/v1alpha1'];

/** Nothing is validated yet. @throws ConfigFileError */
export function readEgressConfiguration(text: string): EgressSelection[] {
  const read = (root: ConfigObject) => {
    const selections = root.objects('egressSelections').map(readSelection);
    root.expectNothingElse();
    return selections;
  };
  return openConfiguration(text, 'EgressSelectorConfiguration', read, VERSIONS);
}

function readSelection(item: ConfigObject): EgressSelection {
  const name = item.string('name');
  const connection = item.object('connection');
  const selection = {
    // As it was called once.
    name: name === 'master' ? 'controlplane' : name,
    proxyProtocol: connection.string('proxyProtocol'),
    transport: part(connection, 'transport', (transport) => ({
      tcp: part(transport, 'tcp', (tcp) => ({ url: tcp.string('url'), tlsConfig: part(tcp, 'tlsConfig', readTls) })),
      uds: part(transport, 'uds', (uds) => ({ udsName: uds.string('udsName') })),
    })),
  };
  connection.expectNothingElse();
  item.expectNothingElse();
  return selection;
}

function readTls(item: ConfigObject): TlsConfiguration {
  const [caBundle, clientKey] = [item.string('caBundle'), item.string('clientKey')];
  return { caBundle, clientKey, clientCert: item.string('clientCert'), tlsServerName: item.string('tlsServerName') };
}

function part<T>(item: ConfigObject, name: string, read: (part: ConfigObject) => T): T | undefined {
  if ((item.raw(name) ?? null) === null) return undefined;
  const object = item.object(name);
  const result = read(object);
  object.expectNothingElse();
  return result;
}
