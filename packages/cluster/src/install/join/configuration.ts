/** JoinConfiguration from its document (kubeadm/app/apis/kubeadm/v1beta4). */
import { ConfigFileError, type ConfigObject } from '@keelson/component/configfile';
import { splitHostPort } from '../configuration/endpoints.ts';
import { decodeNodeRegistration, decodeTimeouts, splitToken } from '../configuration/init.ts';
import type { MachineFacts, NodeRegistration, Timeouts } from '../configuration/types.ts';
import { CERTIFICATES_DIR } from '../layout.ts';

export interface JoinConfiguration {
  readonly node: NodeRegistration;
  /** Where the kubelet is to find the cluster's authority. */
  readonly caCertPath: string;
  readonly discovery: Discovery;
  /** By which the kubelet asks for its certificate; empty: what the file of the discovery says. */
  readonly tlsBootstrapToken: string;
  readonly timeouts: Timeouts;
  readonly skipPhases: readonly string[];
  readonly dryRun: boolean;
}

export type Discovery = TokenDiscovery | FileDiscovery;

export interface TokenDiscovery {
  readonly kind: 'token';
  readonly token: string;
  /** `10.0.0.10:6443` */
  readonly endpoint: string;
  /** None: whoever has the token is believed. */
  readonly caHashes: readonly string[];
}

export interface FileDiscovery {
  readonly kind: 'file';
  /** A kubeconfig. */
  readonly path: string;
}

/** @throws ConfigFileError naming the field */
export function decodeJoin(object: ConfigObject, machine: MachineFacts): JoinConfiguration {
  if (object.raw('controlPlane') !== undefined)
    throw new ConfigFileError('controlPlane: machines join as workers; install more of a control plane by init');
  const patches = object.object('patches');
  const discovery = object.object('discovery');
  const given = decodeDiscovery(discovery);
  const tlsBootstrapToken = discovery.string('tlsBootstrapToken') || (given.kind === 'token' ? given.token : '');
  if (tlsBootstrapToken !== '') splitToken(tlsBootstrapToken);
  const join = {
    node: decodeNodeRegistration(object.object('nodeRegistration'), machine, []),
    caCertPath: object.string('caCertPath') || `${CERTIFICATES_DIR}/ca.crt`,
    discovery: given,
    tlsBootstrapToken,
    timeouts: decodeTimeouts(object.object('timeouts')),
    skipPhases: object.strings('skipPhases'),
    dryRun: object.boolean('dryRun'),
  };
  if (patches.string('directory') !== '')
    throw new ConfigFileError('patches.directory has no effect here: leave it out');
  for (const part of [patches, discovery, object]) part.expectNothingElse();
  return join;
}

function decodeDiscovery(object: ConfigObject): Discovery {
  const [byToken, byFile] = [object.raw('bootstrapToken'), object.raw('file')].map(
    (value) => value !== undefined && value !== null,
  );
  if (!byToken && !byFile) throw new ConfigFileError('discovery: bootstrapToken or file must be set');
  if (byToken && byFile) throw new ConfigFileError('discovery: bootstrapToken and file cannot both be set');
  return byToken ? decodeToken(object.object('bootstrapToken')) : decodeFile(object.object('file'));
}

function decodeToken(object: ConfigObject): TokenDiscovery {
  const where = 'discovery.bootstrapToken';
  const [token, endpoint] = [object.string('token'), object.string('apiServerEndpoint')];
  const caHashes = object.strings('caCertHashes');
  const trustsAny = object.boolean('unsafeSkipCAVerification');
  object.expectNothingElse();
  splitToken(token);
  if (endpoint === '') throw new ConfigFileError(`${where}: APIServerEndpoint is not set`);
  if (splitHostPort(endpoint)?.port === undefined)
    throw new ConfigFileError(`${where}.apiServerEndpoint: ${endpoint} is no HOST:PORT`);
  if (caHashes.length === 0 && !trustsAny)
    throw new ConfigFileError(
      `${where}.caCertHashes: using token-based discovery without caCertHashes can be unsafe: give --discovery-token-ca-cert-hash, or --discovery-token-unsafe-skip-ca-verification to go on`,
    );
  return { kind: 'token', token, endpoint, caHashes };
}

function decodeFile(object: ConfigObject): FileDiscovery {
  const path = object.string('kubeConfigPath').replace(/^file:\/\//, '');
  object.expectNothingElse();
  if (path === '' || /^https?:/.test(path))
    throw new ConfigFileError('discovery.file.kubeConfigPath: not a file on disk');
  return { kind: 'file', path };
}
