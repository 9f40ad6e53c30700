import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname, resolve } from 'node:path';
import { admissionConfiguration, type PluginConfigurations } from '@keelson/apiserver/admission/configuration';
import { parseTokenFile } from '@keelson/apiserver/authn/tokenfile';
import type { ReconcilerType } from '@keelson/apiserver/bootstrap/endpoint-reconciler';
import type { PeersConfig, Reloadable, ServerConfig, ServiceAccountConfig } from '@keelson/apiserver/config';
import type { EgressSelector } from '@keelson/apiserver/egress/index';
import type { NamedCertificate, ServingCertificate } from '@keelson/apiserver/http/listener';
import type { Tracing } from '@keelson/apiserver/tracing/index';
import type { Logger } from '@keelson/component/logs/logger';
import type { Verbosity } from '@keelson/component/logs/verbosity';
import type { NamedCertKey } from '@keelson/component/pflag/values';
import { KeyMapping } from '@keelson/storage/etcd/keys';
import type { Store } from '@keelson/storage/store';
import { RE2JS } from 're2js';
import { isLoopback, isUnspecified } from '../addresses.ts';
import { addressAt, parseCidr } from '../cidr.ts';
import { readFault } from '../data-directory.ts';
import { metricRules } from '../metric-flags.ts';
import { ensureServingCertificate } from '../pki/self-signed.ts';
import { StartupError } from '../startup-error.ts';
import { auditConfig, auditLog, auditWebhook, readAuditPolicy } from './audit.ts';
import { authenticationOptions, tokenWebhook } from './authentication.ts';
import { authorizationOptions } from './authorization.ts';
import { emulationOf, gatesOf } from './emulation.ts';
import type { Given, Values } from './flags.ts';
import type { WatchedFiles } from './reloadable.ts';
import { tlsOptions } from './tls.ts';
import { serviceRanges, storageKind } from './validation.ts';
import { cachingOf } from './watchcache.ts';

export interface ConfigWorld {
  readonly store: Store;
  readonly logger: Logger;
  readonly files: WatchedFiles;
  /** What the command line gave: some flags mean something when they are empty. */
  readonly given?: Given | undefined;
  /** Of the log. */
  readonly verbosity?: Verbosity | undefined;
  readonly egress?: EgressSelector | undefined;
  readonly tracing?: Tracing | undefined;
}

/** What the flags mean to the server. @throws StartupError for files that are missing or make no sense */
export async function serverConfig(
  values: Values,
  { store, logger, files, given, verbosity, egress, tracing }: ConfigWorld,
): Promise<ServerConfig> {
  const ports = values['service-node-port-range'];
  const streams = values['http2-max-streams-per-connection'];
  const reader = new FileReader(values, files, egress);
  const encryption = reader.encryption();
  return {
    store,
    storesProtobuf: values['storage-media-type'] === 'application/vnd.kubernetes.protobuf',
    isCached: cachingOf(values),
    ...(encryption ? { encryption } : {}),
    logger,
    bindAddress: values['bind-address'],
    securePort: values['secure-port'],
    advertiseAddress: advertiseAddress(values),
    servingCertificate: await reader.servingCertificate(),
    namedCertificates: values['tls-sni-cert-key'].map((entry) => reader.named(entry)),
    tls: tlsOptions(values),
    clientCa: reader.authority('client-ca-file'),
    requestHeader: requestHeader(values, reader),
    tokens: reader.text('token-auth-file', parseTokenFile),
    serviceAccounts: serviceAccounts(values, reader),
    enableBootstrapTokens: values['enable-bootstrap-token-auth'],
    ...reader.authentication(),
    authorization: reader.authorization(logger),
    featureGates: gatesOf(values),
    emulation: emulationOf(values),
    runtimeConfig: Object.fromEntries(values['runtime-config']),
    onlyAdmissionPlugins: given?.has('admission-control') ? values['admission-control'] : undefined,
    enableAdmissionPlugins: values['enable-admission-plugins'],
    disableAdmissionPlugins: values['disable-admission-plugins'],
    admissionControlConfig: reader.text('admission-control-config-file', readAdmissionConfiguration),
    defaultTolerations: {
      notReadySeconds: values['default-not-ready-toleration-seconds'],
      unreachableSeconds: values['default-unreachable-toleration-seconds'],
    },
    serviceClusterIpRanges: serviceRanges(values),
    serviceNodePortRange:
      ports === undefined ? { from: 0, size: 0 } : { from: ports.first, size: ports.last - ports.first + 1 },
    allowPrivileged: values['allow-privileged'],
    priorityAndFairness: values['enable-priority-and-fairness'],
    maxRequestsInflight: values['max-requests-inflight'],
    maxMutatingRequestsInflight: values['max-mutating-requests-inflight'],
    requestTimeoutSeconds: values['request-timeout'] / 1000,
    minRequestTimeoutSeconds: values['min-request-timeout'],
    eventTtlSeconds: values['event-ttl'] / 1000,
    profiling: values.profiling,
    verbosity,
    audit: await reader.audit(logger),
    kubelet: {
      clientCertificate: reader.pair('kubelet-client-certificate', 'kubelet-client-key'),
      certificateAuthority: reader.authority('kubelet-certificate-authority'),
      preferredAddressTypes: values['kubelet-preferred-address-types'],
    },
    connectionBytesPerSecond: values['max-connection-bytes-per-sec'],
    egress,
    tracing,
    routeToEndpoints: values['enable-aggregator-routing'],
    rejectForwardedRedirects: values['aggregator-reject-forwarding-redirect'],
    proxyClientCertificate: reader.pair('proxy-client-cert-file', 'proxy-client-key-file'),
    metricRules: metricRules(values),
    peers: peersOf(values, reader),
    livezGraceMs: values['livez-grace-period'],
    storeHealthTimeoutMs: values['etcd-healthcheck-timeout'],
    storeReadyTimeoutMs: values['etcd-readycheck-timeout'],
    shutdownDelayMs: values['shutdown-delay-duration'],
    shutdownSendRetryAfter: values['shutdown-send-retry-after'],
    shutdownWatchGraceMs: values['shutdown-watch-termination-grace-period'],
    goawayChance: values['goaway-chance'],
    sendRetryAfterWhileNotReady: values['send-retry-after-while-not-ready-once'],
    hstsDirectives: values['strict-transport-security-directives'],
    ...corsOf(values),
    listening: {
      disableHttp2: values['disable-http2-serving'],
      sharesPort: values['permit-port-sharing'],
      ...(streams > 0 ? { maxStreamsPerConnection: streams } : {}),
    },
    externalHostname: values['external-hostname'],
    deleteCollectionWorkers: Math.max(values['delete-collection-workers'], MIN_DELETIONS_AT_A_TIME),
    kubernetesServiceNodePort: values['kubernetes-service-node-port'],
    endpointReconciler: values['endpoint-reconciler-type'] as ReconcilerType,
    apiServerCount: values['apiserver-count'],
    compactionIntervalMs: values['etcd-compaction-interval'],
  };
}

/** Reads the files that flags name; errors name the flag. */
class FileReader {
  readonly #values: Values;
  readonly #files: WatchedFiles;
  readonly #egress: EgressSelector | undefined;

  constructor(values: Values, files: WatchedFiles, egress: EgressSelector | undefined) {
    this.#values = values;
    this.#files = files;
    this.#egress = egress;
  }

  /** A bundle of certificates, read again when it changes. */
  authority(
    flag: 'client-ca-file' | 'requestheader-client-ca-file' | 'kubelet-certificate-authority' | 'peer-ca-file',
  ): Reloadable<string> | undefined {
    const path = this.#values[flag];
    if (path === '') return undefined;
    return this.#named(flag, path, () => this.#files.read([path], checkedBundle));
  }

  /** A certificate with its key, read again when one of them changes. */
  pair(
    certFlag: 'tls-cert-file' | 'kubelet-client-certificate' | 'proxy-client-cert-file',
    keyFlag: 'tls-private-key-file' | 'kubelet-client-key' | 'proxy-client-key-file',
  ): Reloadable<ServingCertificate> | undefined {
    const [cert, key] = [this.#values[certFlag], this.#values[keyFlag]];
    if (cert === '' && key === '') return undefined;
    if (cert === '' || key === '')
      throw new StartupError(`--${certFlag} and --${keyFlag} belong together`, 'give both');
    return this.#named(certFlag, cert, () => this.#files.read([cert, key], checkedPair));
  }

  /** A certificate for single names, read again when it or its key changes. */
  named({ certFile, keyFile, names }: NamedCertKey): Reloadable<NamedCertificate> {
    const decode = (cert: string, key: string) => ({ ...checkedPair(cert, key), names });
    return this.#named('tls-sni-cert-key', certFile, () => this.#files.read([certFile, keyFile], decode));
  }

  text<T>(
    flag: 'token-auth-file' | 'admission-control-config-file' | 'audit-policy-file',
    decode: (text: string, path: string) => T,
  ): T | undefined {
    const path = this.#values[flag];
    return path === '' ? undefined : this.#named(flag, path, () => decode(readFileSync(path, 'utf8'), path));
  }

  authentication(): ReturnType<typeof authenticationOptions> & Pick<ServerConfig, 'tokenWebhook'> {
    const values = this.#values;
    const flag = values['authentication-config'] ? 'authentication-config' : 'oidc-ca-file';
    const options = this.#named(flag, values[flag], () => authenticationOptions(values, this.#files, this.#egress));
    const config = 'authentication-token-webhook-config-file';
    const webhook = this.#named(config, values[config], () =>
      tokenWebhook(values, this.#egress?.dialer('controlplane')),
    );
    return { ...options, ...(webhook ? { tokenWebhook: webhook } : {}) };
  }

  authorization(logger: Logger): ServerConfig['authorization'] {
    const flags = ['authorization-config', 'authorization-webhook-config-file', 'authorization-policy-file'] as const;
    const flag = flags.find((name) => this.#values[name] !== '') ?? flags[0];
    return this.#named(flag, this.#values[flag], () => authorizationOptions(this.#values, this.#files, logger));
  }

  /** Read again when it changes, where that is wanted. */
  encryption(): ServerConfig['encryption'] {
    const path = this.#values['encryption-provider-config'];
    const automaticReload = this.#values['encryption-provider-config-automatic-reload'];
    if (path === '') return undefined;
    const file = this.#named('encryption-provider-config', path, (): Reloadable<string> => {
      if (automaticReload) return this.#files.read([path], (text) => text);
      const text = readFileSync(path, 'utf8');
      return { get: () => text };
    });
    return { file, path, automaticReload, keyPrefix: keyPrefix(this.#values) };
  }

  async audit(logger: Logger): Promise<ServerConfig['audit']> {
    const values = this.#values;
    const policy = this.text('audit-policy-file', readAuditPolicy);
    if (policy === undefined) return undefined;
    const [path, config] = [values['audit-log-path'], values['audit-webhook-config-file']];
    const log = await this.#named('audit-log-path', path, () => auditLog(values, logger));
    const webhook = this.#named('audit-webhook-config-file', config, () =>
      auditWebhook(values, this.#egress?.dialer('controlplane')),
    );
    return auditConfig(values, policy, { log, webhook });
  }

  key(
    flag: 'service-account-signing-key-file' | 'service-account-key-file',
    path: string,
    decode: (pem: string) => KeyObject,
  ): KeyObject {
    return this.#named(flag, path, () => decode(readFileSync(path, 'utf8')));
  }

  /** The one the flags name, or else one that certifies itself. */
  async servingCertificate(): Promise<Reloadable<ServingCertificate>> {
    const given = this.pair('tls-cert-file', 'tls-private-key-file');
    if (given !== undefined) return given;
    const directory = this.#values['cert-dir'];
    const { certFile, keyFile } = await this.#named('cert-dir', directory, () =>
      ensureServingCertificate(directory, advertiseAddress(this.#values), selfSignedNames(this.#values), new Date()),
    );
    return this.#named('cert-dir', directory, () => this.#files.read([certFile, keyFile], checkedPair));
  }

  #named<T>(flag: string, path: string, read: () => T): T {
    const explain = (error: unknown): never => {
      throw new StartupError(`--${flag} ${path}: ${readFault(error)}`, 'check the file that the flag names');
    };
    try {
      const result = read();
      return result instanceof Promise ? (result.catch(explain) as T) : result;
    } catch (error) {
      return explain(error);
    }
  }
}

/** Those that share a flush cost hardly more than one. */
const MIN_DELETIONS_AT_A_TIME = 16;

function corsOf(values: Values): Pick<ServerConfig, 'allowsOrigin'> {
  const patterns = values['cors-allowed-origins'];
  if (patterns.length === 0) return {};
  const compiled = patterns.map((pattern) => RE2JS.compile(pattern));
  return { allowsOrigin: (origin) => compiled.some((pattern) => pattern.matcher(origin).find()) };
}

/** Under which etcd has what the server calls `/registry`. */
function keyPrefix(values: Values): string {
  const mapping = new KeyMapping(storageKind(values) === 'etcd' ? values['etcd-prefix'] : undefined);
  return mapping.toEtcd('/registry').toString();
}

function readAdmissionConfiguration(text: string, path: string): PluginConfigurations {
  const read = (other: string) => readFileSync(resolve(dirname(path), other), 'utf8');
  return admissionConfiguration(text, read);
}

function checkedBundle(pem: string): string {
  new X509Certificate(pem);
  return pem;
}

function checkedPair(cert: string, key: string): ServingCertificate {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error('the key belongs to another certificate');
  return { cert, key };
}

function requestHeader(values: Values, reader: FileReader): ServerConfig['requestHeader'] {
  const clientCa = reader.authority('requestheader-client-ca-file');
  if (clientCa === undefined) return undefined;
  return {
    clientCa,
    allowedNames: values['requestheader-allowed-names'],
    usernameHeaders: values['requestheader-username-headers'],
    uidHeaders: values['requestheader-uid-headers'],
    groupHeaders: values['requestheader-group-headers'],
    extraHeaderPrefixes: values['requestheader-extra-headers-prefix'],
  };
}

/** An address is one with its port alone. */
function peersOf(values: Values, reader: FileReader): PeersConfig {
  const [host, port] = [values['peer-advertise-ip'], values['peer-advertise-port']];
  const advertised = host !== '' && port !== '' ? { host, port: Number(port) } : undefined;
  return { ...(advertised ? { advertised } : {}), ca: reader.authority('peer-ca-file') };
}

function serviceAccounts(values: Values, reader: FileReader): ServiceAccountConfig {
  const seconds = values['service-account-max-token-expiration'] / 1000;
  return {
    issuers: values['service-account-issuer'],
    keys: tokenKeys(values, reader),
    apiAudiences: values['api-audiences'].length === 0 ? values['service-account-issuer'] : values['api-audiences'],
    extendExpiration: values['service-account-extend-token-expiration'],
    lookup: values['service-account-lookup'],
    ...(seconds > 0 ? { maxExpirationSeconds: seconds } : {}),
    ...(values['service-account-jwks-uri'] === '' ? {} : { jwksUri: values['service-account-jwks-uri'] }),
  };
}

function tokenKeys(values: Values, reader: FileReader): ServiceAccountConfig['keys'] {
  const endpoint = values['service-account-signing-endpoint'];
  if (endpoint !== '') return { endpoint };
  const flag = 'service-account-signing-key-file';
  return {
    signing: reader.key(flag, values[flag], createPrivateKey),
    verification: values['service-account-key-file'].map((path) =>
      reader.key('service-account-key-file', path, createPublicKey),
    ),
  };
}

/** The address given, or else the one bound to if others can reach it, or else that of the first network interface. */
function advertiseAddress(values: Values): string {
  const bound = values['bind-address'];
  const candidates = [values['advertise-address'], isLoopback(bound) ? '' : bound];
  const given = candidates.find((address) => address !== '' && !isUnspecified(address));
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return given ?? addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}

function selfSignedNames(values: Values): string[] {
  const service = addressAt(parseCidr(serviceRanges(values)[0]!)!, 1);
  const bound = values['bind-address'];
  return [
    'kubernetes.default.svc',
    'kubernetes.default',
    'kubernetes',
    bound === '' || isUnspecified(bound) ? 'localhost' : bound,
    service,
  ];
}
