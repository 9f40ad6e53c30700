import { readFileSync } from 'node:fs';
import { RECONCILER_TYPES } from '@keelson/apiserver/bootstrap/endpoint-reconciler';
import { runtimeConfigErrors } from '@keelson/apiserver/discovery/runtime-config';
import { certificatesOf } from '@keelson/apiserver/http/pem';
import { quote } from '@keelson/component/go/strconv';
import { RE2JS } from 're2js';
import { parseCidr } from '../cidr.ts';
import { metricErrors } from '../metric-flags.ts';
import { auditErrors } from './audit.ts';
import { jwtErrors } from './authentication.ts';
import { authorizationErrors } from './authorization.ts';
import { emulationErrors, gatesOf, versionOrGateError } from './emulation.ts';
import type { Given, Values } from './flags.ts';
import { parseOverrides } from './overrides.ts';
import { cacheError } from './watchcache.ts';

type Check = (values: Values, given: Given) => readonly (string | false)[];

/**
 * Everything that is wrong with the flags taken together, in the order and words of kube-apiserver
 * (pkg/controlplane/apiserver/options/validation.go, cmd/kube-apiserver/app/options/validation.go).
 */
export function validate(values: Values, given: Given): string[] {
  // Gates are set before anything else is looked at.
  const first = versionOrGateError(values) ?? tokenError(values) ?? cacheError(values);
  if (first !== undefined) return [first];
  return checks.flatMap((check) => check(values, given)).filter((message) => message !== false);
}

const HOUR_MS = 3_600_000;

/** What keeps kube-apiserver from looking any further (options.go, completeServiceAccountOptions). */
function tokenError(values: Values): string | undefined {
  const max = values['service-account-max-token-expiration'];
  if (max !== 0 && (max < HOUR_MS || max > 2 ** 32 * 1000))
    return 'the service-account-max-token-expiration must be between 1 hour and 2^32 seconds';
  if (!values['service-account-issuer'][0]) return undefined;
  return values['service-account-signing-endpoint'] !== '' && values['service-account-signing-key-file'] !== ''
    ? 'service-account-signing-key-file and service-account-signing-endpoint are mutually exclusive and cannot be set at the same time'
    : undefined;
}

const generic: Check = (values) => [
  values['livez-grace-period'] < 0 && '--livez-grace-period can not be a negative value',
  values['max-requests-inflight'] < 0 && '--max-requests-inflight can not be negative value',
  values['max-mutating-requests-inflight'] < 0 && '--max-mutating-requests-inflight can not be negative value',
  values['request-timeout'] < 0 && '--request-timeout can not be negative value',
  (values['goaway-chance'] < 0 || values['goaway-chance'] > 0.02) &&
    '--goaway-chance can not be less than 0 or greater than 0.02',
  values['min-request-timeout'] < 0 && '--min-request-timeout can not be negative value',
  values['shutdown-watch-termination-grace-period'] < 0 &&
    'shutdown-watch-termination-grace-period, if provided, can not be a negative value',
  values['shutdown-delay-duration'] < 0 && '--shutdown-delay-duration can not be negative value',
  ...distinct(values['strict-transport-security-directives'].map(hstsError)),
  ...distinct(values['cors-allowed-origins'].map(corsError)),
  ...emulationErrors(values),
];

const distinct = (messages: readonly (string | false)[]) => [...new Set(messages)];

function hstsError(directive: string): string | false {
  if (directive.trim() === '') return 'empty value in strict-transport-security-directives';
  if (directive === 'includeSubDomains' || directive === 'preload' || /^max-age=[^=]*$/.test(directive)) return false;
  return '--strict-transport-security-directives invalid, allowed values: max-age=expireTime, includeSubDomains, preload. see https://tools.ietf.org/html/rfc6797#section-6.1 for more information';
}

/** A pattern that fits within a host lets `https://example.com.evil.org` in (CVE-2022-1996). */
function corsError(pattern: string): string | false {
  const problem = problemOfOrigin(pattern);
  if (problem === undefined) return false;
  return pattern === ''
    ? 'empty value in --cors-allowed-origins'
    : `--cors-allowed-origins has an invalid regular expression: ${problem}`;
}

function problemOfOrigin(pattern: string): string | undefined {
  if (pattern === '') return 'empty';
  try {
    RE2JS.compile(pattern);
  } catch (error) {
    return (error as Error).message;
  }
  const isPinned = /\^|\/\//.test(pattern) && /[$:]/.test(pattern);
  return isPinned ? undefined : 'regular expression does not pin to start/end of host in the origin header';
}

const mediaTypes = ['application/cbor', 'application/json', 'application/vnd.kubernetes.protobuf', 'application/yaml'];

const storage: Check = (values) => {
  const kind = storageKind(values);
  return [
    kind === 'etcd' && values['etcd-servers'].length === 0 && '--etcd-servers must be specified',
    kind === 'lmdb' &&
      values['data-dir'] === '' &&
      '--etcd-servers must be specified, or --data-dir for the embedded store',
    kind === undefined && `--storage ${quote(values.storage)} is unknown: lmdb, memory or etcd`,
    !['', 'etcd3'].includes(values['storage-backend']) &&
      "--storage-backend invalid, allowed values: etcd3. If not specified, it will default to 'etcd3'",
    parseOverrides(values['etcd-servers-overrides']) === undefined &&
      '--etcd-servers-overrides invalid, must be of format: group/resource#servers, where servers are URLs, semicolon separated',
    kind !== 'etcd' && values['etcd-servers-overrides'].length > 0 && '--etcd-servers-overrides needs --etcd-servers',
    values['encryption-provider-config'] === '' &&
      values['encryption-provider-config-automatic-reload'] &&
      '--encryption-provider-config-automatic-reload must be set with --encryption-provider-config',
    !['', ...mediaTypes].includes(values['storage-media-type']) &&
      `--storage-media-type ${quote(values['storage-media-type'])} invalid, allowed values: ${mediaTypes.join(', ')}`,
  ];
};

const secureServing: Check = ({ 'secure-port': port }) => [
  (port < 1 || port > 65535) &&
    `--secure-port ${port} must be between 1 and 65535, inclusive. It cannot be turned off with 0`,
];

const authentication: Check = (values, given) => {
  const issuers = values['service-account-issuer'];
  const jwks = values['service-account-jwks-uri'];
  return [
    ...jwtErrors(values, given),
    ...issuers.map((issuer, i) => issuerError(issuer, issuers.indexOf(issuer) < i)),
    issuers.length === 0 && 'service-account-issuer is a required flag',
    values['service-account-key-file'].length === 0 &&
      values['service-account-signing-endpoint'] === '' &&
      'either `--service-account-key-file` or `--service-account-signing-endpoint` must be set',
    jwks !== '' && !jwks.startsWith('https:') && `service-account-jwks-uri requires https scheme, parsed as: ${jwks}`,
    ...HEADER_FLAGS.map((flag) => isBlank(values, flag)),
    ...uidHeaderErrors(values),
    values['requestheader-allowed-names'].length === 0 &&
      haveCommon(values['client-ca-file'], values['requestheader-client-ca-file']) &&
      '--requestheader-client-ca-file and --client-ca-file contain overlapping certificates; --requestheader-allowed-names must be specified to ensure regular client certificates cannot set authenticating proxy headers for arbitrary users',
  ];
};

const HEADER_FLAGS = [
  'requestheader-username-headers',
  'requestheader-group-headers',
  'requestheader-extra-headers-prefix',
  'requestheader-allowed-names',
] as const;
const UID_FLAG = 'requestheader-uid-headers';
const UID_GATE = 'RemoteRequestHeaderUID';

const isBlank = (values: Values, flag: (typeof HEADER_FLAGS)[number] | typeof UID_FLAG) =>
  values[flag].some((text) => text.trim() === '') && `empty value in "${flag}"`;

function uidHeaderErrors(values: Values): (string | false)[] {
  const headers = values[UID_FLAG];
  if (!gatesOf(values).enabled(UID_GATE))
    return [headers.length > 0 && `--${UID_FLAG} requires the ${quote(UID_GATE)} feature to be enabled`];
  return [
    isBlank(values, UID_FLAG),
    lacks(headers, 'X-Remote-Uid') &&
      `--${UID_FLAG} is set without specifying the standard X-Remote-Uid header - API aggregation will not work`,
  ];
}

const lacks = (headers: readonly string[], wanted: string) =>
  headers.length > 0 && !headers.some((header) => header.toLowerCase() === wanted.toLowerCase());

/** Whether a certificate is in both bundles. Files that are none are told of where they are read. */
function haveCommon(...paths: [string, string]): boolean {
  try {
    const [ours, others] = paths.map((path) => certificatesOf(path === '' ? '' : readFileSync(path, 'utf8')));
    return ours!.some(({ raw }) => others!.some((other) => raw.equals(other.raw)));
  } catch {
    return false;
  }
}

function issuerError(issuer: string, repeated: boolean): string | false {
  if (issuer.includes(':') && !URL.canParse(issuer)) {
    return `service-account-issuer ${quote(issuer)} contained a ':' but was not a valid URL: parse ${quote(issuer)}: invalid`;
  }
  if (issuer === '') return 'service-account-issuer should not be an empty string';
  return repeated && `service-account-issuer ${quote(issuer)} is already specified`;
}

const authorization: Check = (values, given) => authorizationErrors(values, given);

const apiEnablement: Check = (values) => runtimeConfigErrors(Object.fromEntries(values['runtime-config']));

const tokenRequest: Check = (values) => [
  ((values['service-account-signing-key-file'] === '' && values['service-account-signing-endpoint'] === '') ||
    values['service-account-issuer'].length === 0) &&
    '--service-account-signing-key-file and --service-account-issuer are required flags',
];

const ABSTRACT_SOCKET = /^@(?:[a-zA-Z0-9_-]+\.)*[a-zA-Z0-9_-]+$/;

const signingEndpoint: Check = (values) => {
  const endpoint = values['service-account-signing-endpoint'];
  if (endpoint === '') return [];
  return [
    (values['service-account-signing-key-file'] !== '' || values['service-account-key-file'].length > 0) &&
      "can't set `--service-account-signing-key-file` and/or `--service-account-key-file` with `--service-account-signing-endpoint` (They are mutually exclusive)",
    endpoint.startsWith('@') &&
      !ABSTRACT_SOCKET.test(endpoint) &&
      `invalid value ${quote(endpoint)} passed for \`--service-account-signing-endpoint\`, when prefixed with @ must be a valid abstract socket name`,
  ];
};

const services: Check = (values) => {
  const ranges = serviceRanges(values).map(parseCidr);
  const [primary, secondary] = ranges;
  const range = values['service-node-port-range'];
  const port = values['kubernetes-service-node-port'];
  return [
    primary === undefined && 'service-cluster-ip-range[0] is not a valid cidr',
    ranges.length > 1 && secondary === undefined && 'service-cluster-ip-range[1] is not an ip net',
    ranges.length > 2 && '--service-cluster-ip-range must not contain more than two entries',
    primary !== undefined &&
      primary.family === secondary?.family &&
      '--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different IP family',
    (port < 0 || port > 65535) &&
      `--kubernetes-service-node-port ${port} must be between 0 and 65535, inclusive. If 0, the Kubernetes master service will be of type ClusterIP`,
    port > 0 &&
      (range === undefined || port < range.first || port > range.last) &&
      `kubernetes service node port range ${range === undefined ? '' : `${range.first}-${range.last}`} doesn't contain ${port}`,
  ];
};

const replicas: Check = (values) => [
  !(RECONCILER_TYPES as readonly string[]).includes(values['endpoint-reconciler-type']) &&
    `endpoint reconciler not implemented: ${quote(values['endpoint-reconciler-type'])}`,
  values['apiserver-count'] <= 0 &&
    `--apiserver-count should be a positive number, but value '${values['apiserver-count']}' provided`,
];

const fairness: Check = (values) => {
  const [reads, writes] = [values['max-requests-inflight'], values['max-mutating-requests-inflight']];
  return [
    values['enable-priority-and-fairness'] &&
      reads + writes <= 0 &&
      `invalid configuration: MaxRequestsInFlight=${reads} and MaxMutatingRequestsInFlight=${writes}; they must add up to something positive`,
  ];
};

const admission: Check = (_values, given) => [
  given.has('admission-control') &&
    (given.has('enable-admission-plugins') || given.has('disable-admission-plugins')) &&
    'admission-control and enable-admission-plugins/disable-admission-plugins flags are mutually exclusive',
];

const metrics: Check = (values) => metricErrors(values);

const PEER_FLAGS = ['peer-ca-file', 'peer-advertise-ip', 'peer-advertise-port'] as const;
const PEER_GATE = 'UnknownVersionInteroperabilityProxy';

const peers: Check = (values) => {
  if (!gatesOf(values).enabled(PEER_GATE))
    return PEER_FLAGS.map((flag) => values[flag] !== '' && `--${flag} requires ${PEER_GATE} feature to be turned on`);
  const port = values['peer-advertise-port'];
  const missing = (['cert', 'key'] as const).find((part) => values[`proxy-client-${part}-file`] === '');
  return [
    port !== '' && !(/^\d+$/.test(port) && Number(port) <= 65535) && `--peer-advertise-port ${quote(port)} is no port`,
    values['peer-ca-file'] !== '' &&
      missing !== undefined &&
      `error building peer proxy handler, proxy-${missing}-file not specified`,
  ];
};

const auditing: Check = (values) => auditErrors(values);

const checks: readonly Check[] = [
  generic,
  storage,
  secureServing,
  auditing,
  authentication,
  authorization,
  admission,
  apiEnablement,
  tokenRequest,
  metrics,
  peers,
  signingEndpoint,
  services,
  replicas,
  fairness,
];

/** Which engine keeps the objects; undefined when --storage names none. */
export function storageKind(values: Pick<Values, 'storage' | 'etcd-servers'>): 'lmdb' | 'memory' | 'etcd' | undefined {
  const { storage } = values;
  if (storage === '') return values['etcd-servers'].length > 0 ? 'etcd' : 'lmdb';
  return storage === 'lmdb' || storage === 'memory' || storage === 'etcd' ? storage : undefined;
}

/** The CIDRs of services, the default filled in. */
export function serviceRanges(values: Pick<Values, 'service-cluster-ip-range'>): string[] {
  const text = values['service-cluster-ip-range'];
  return text === '' ? ['10.0.0.0/24'] : text.split(',');
}
