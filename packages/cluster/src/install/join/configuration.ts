/** JoinConfiguration from its document (kubeadm/app/apis/kubeadm/v1beta4). */
import { ConfigFileError, type ConfigObject } from '@keelson/component/configfile';
import { splitHostPort } from '../configuration/endpoints.ts';
import {
  controlPlaneTaint,
  decodeEndpoint,
  decodeNodeRegistration,
  decodeTimeouts,
  splitToken,
} from '../configuration/init.ts';
import type { InitConfiguration, MachineFacts } from '../configuration/types.ts';
import { initProblems } from '../configuration/validation.ts';
import { CERTIFICATES_DIR } from '../layout.ts';

export interface JoinConfiguration {
  /** What is the machine's own, as of one that is installed. */
  readonly init: InitConfiguration;
  /** Whether it joins the control plane. */
  readonly isControlPlane: boolean;
  /** Where the kubelet is to find the cluster's authority. */
  readonly caCertPath: string;
  readonly discovery: Discovery;
  /** By which the kubelet asks for its certificate; empty: what the file of the discovery says. */
  readonly tlsBootstrapToken: string;
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
  const controlPlane = object.raw('controlPlane');
  const isControlPlane = controlPlane !== undefined && controlPlane !== null;
  const discovery = object.object('discovery');
  const given = decodeDiscovery(discovery);
  const tlsBootstrapToken = discovery.string('tlsBootstrapToken') || (given.kind === 'token' ? given.token : '');
  if (tlsBootstrapToken !== '') splitToken(tlsBootstrapToken);
  const join = {
    init: decodeMachine(object, machine, isControlPlane),
    isControlPlane,
    caCertPath: object.string('caCertPath') || `${CERTIFICATES_DIR}/ca.crt`,
    discovery: given,
    tlsBootstrapToken,
  };
  for (const part of [discovery, object]) part.expectNothingElse();
  return join;
}

function decodeMachine(object: ConfigObject, machine: MachineFacts, isControlPlane: boolean): InitConfiguration {
  const [controlPlane, patches] = [object.object('controlPlane'), object.object('patches')];
  const init: InitConfiguration = {
    bootstrapTokens: [],
    nodeRegistration: decodeNodeRegistration(
      object.object('nodeRegistration'),
      machine,
      isControlPlane ? [controlPlaneTaint] : [],
    ),
    localApiEndpoint: isControlPlane
      ? decodeEndpoint(controlPlane.object('localAPIEndpoint'), machine)
      : { advertiseAddress: machine.address ?? '127.0.0.1', bindPort: 6443 },
    certificateKey: controlPlane.string('certificateKey'),
    skipPhases: object.strings('skipPhases'),
    patchesDirectory: patches.string('directory'),
    timeouts: decodeTimeouts(object.object('timeouts')),
    dryRun: object.boolean('dryRun'),
  };
  for (const part of [controlPlane, patches]) part.expectNothingElse();
  const problems = [...initProblems(init)];
  if (problems.length > 0) throw new ConfigFileError(problems.join('; '));
  return init;
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
