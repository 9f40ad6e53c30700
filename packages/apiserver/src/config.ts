/** What a server is told; the flags of kube-apiserver and `keelson up` both end up here. */
import type { KeyObject } from 'node:crypto';
import type { GroupResource } from '@keelson/api/errors';
import type { FeatureGates } from '@keelson/component/featuregate/featuregate';
import { joinHostPort } from '@keelson/component/go/net';
import type { Logger } from '@keelson/component/logs/logger';
import type { Verbosity } from '@keelson/component/logs/verbosity';
import type { MetricRules } from '@keelson/component/metrics/rules';
import type { Store } from '@keelson/storage/store';
import type { PluginConfigurations } from './admission/configuration.ts';
import type { DefaultTolerations } from './admission/tolerations.ts';
import type { AuditPolicy } from './audit/policy.ts';
import type { AuditLoss, AuditSink } from './audit/sink.ts';
import type { JwtOptions } from './authn/jwt/index.ts';
import type { AuthorizationOptions } from './authz/build.ts';
import type { ReconcilerType } from './bootstrap/endpoint-reconciler.ts';
import type { Emulation } from './discovery/emulation.ts';
import type { RuntimeConfig } from './discovery/runtime-config.ts';
import type { EgressSelector } from './egress/index.ts';
import type { ListeningOptions, NamedCertificate, ServingCertificate, TlsOptions } from './http/listener.ts';
import type { UserInfo } from './registry/strategy.ts';
import type { Tracing } from './tracing/index.ts';
import type { KubeconfigWebhook } from './webhook/kubeconfig.ts';

/** Something that is read again when it changes on disk: `get` is called whenever it is needed. */
export interface Reloadable<T> {
  get(): T;
  /** Calls back after each change. */
  onChange?(listener: () => void): void;
}

export interface ServiceAccountConfig {
  /** The first issuer signs, all are accepted. */
  readonly issuers: readonly string[];
  /** What tokens are signed with, and the public keys that they are verified with; or the socket of one who does both. */
  readonly keys:
    | { readonly signing: KeyObject; readonly verification: readonly KeyObject[] }
    | { readonly endpoint: string };
  /** Default: the issuers. */
  readonly apiAudiences?: readonly string[];
  readonly maxExpirationSeconds?: number;
  /** Tokens asked for an hour live for a year, as long as clients are old. Default true. */
  readonly extendExpiration?: boolean;
  readonly jwksUri?: string;
  /** Whether what tokens in secrets are about must still be there. Default true. */
  readonly lookup?: boolean;
}

export interface RequestHeaderConfig {
  readonly clientCa: Reloadable<string>;
  readonly allowedNames: readonly string[];
  readonly usernameHeaders: readonly string[];
  readonly uidHeaders: readonly string[];
  readonly groupHeaders: readonly string[];
  readonly extraHeaderPrefixes: readonly string[];
}

/** How objects are encrypted in the store (`--encryption-provider-config`). */
export interface EncryptionConfig {
  /** An EncryptionConfiguration. */
  readonly file: Reloadable<string>;
  /** Where that is, for messages. */
  readonly path: string;
  /** Whether changes of the file are followed. */
  readonly automaticReload: boolean;
  /** What stands in the store in the place of `/registry`: an object is good under its own key alone. */
  readonly keyPrefix: string;
}

/** Where some resources are kept instead (`--etcd-servers-overrides`). */
export interface StoreOverride {
  readonly resources: readonly GroupResource[];
  readonly store: Store;
}

export interface PeersConfig {
  /** Where they reach this one. Default: `advertiseAddress` and the port that is listened at. */
  readonly advertised?: { readonly host: string; readonly port: number };
  /** Who signs their serving certificates; without it nothing is passed on to them. */
  readonly ca?: Reloadable<string> | undefined;
}

export interface ServerConfig {
  readonly store: Store;
  /** Each with a store of its own. */
  readonly storeOverrides?: readonly StoreOverride[];
  /** Built-in objects are stored as protobuf. Default: as JSON. Both are read. */
  readonly storesProtobuf?: boolean;
  /** Of which resources there is a watch cache; undefined: as by default. Those of others are answered for as by the store itself. */
  readonly isCached?: (resource: GroupResource) => boolean | undefined;
  /** Without it everything is stored as it is. */
  readonly encryption?: EncryptionConfig;
  readonly logger: Logger;
  readonly bindAddress: string;
  /** 0: any free port. */
  readonly securePort: number;
  /** The address that members of the cluster reach this server at. */
  readonly advertiseAddress: string;
  readonly servingCertificate: Reloadable<ServingCertificate>;
  /** Certificates for single names; they come before `servingCertificate`. */
  readonly namedCertificates?: readonly Reloadable<NamedCertificate>[];
  readonly tls?: TlsOptions;
  readonly listening?: ListeningOptions;
  /** Host, with a port or without, that clients are told to find this server at. Default: `advertiseAddress`. */
  readonly externalHostname?: string;
  /** How many objects of a collection are deleted at a time. */
  readonly deleteCollectionWorkers?: number;
  /** PEM bundle; without it client certificates authenticate nobody. */
  readonly clientCa?: Reloadable<string>;
  readonly requestHeader?: RequestHeaderConfig;
  /** By token (`--token-auth-file`). */
  readonly tokens?: ReadonlyMap<string, UserInfo>;
  readonly serviceAccounts?: ServiceAccountConfig;
  readonly enableBootstrapTokens?: boolean;
  /** Issuers of JSON Web Tokens. */
  readonly jwt?: JwtOptions;
  /** A webhook that tokens are shown to. */
  readonly tokenWebhook?: {
    readonly webhook: KubeconfigWebhook;
    /** Of the TokenReviews that it is sent. */
    readonly version: 'v1' | 'v1beta1';
    readonly cacheTtlMs: number;
  };
  readonly anonymousAuth: boolean;
  /** Where requests may be anonymous. Default: everywhere. */
  readonly anonymousPaths?: readonly string[];
  readonly authorization: AuthorizationOptions;
  /** Which metrics are held back. Default: none. */
  readonly metricRules?: MetricRules;
  /** What was given on the command line, and the defaults: shown at /flagz. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Default: all as they are unless somebody says otherwise. */
  readonly featureGates?: FeatureGates;
  readonly runtimeConfig: RuntimeConfig;
  /** The release as which it acts. Default: its own. */
  readonly emulation?: Emulation;
  /** These and no others (`--admission-control`). Default: what is on by default, and as the next two say. */
  readonly onlyAdmissionPlugins?: readonly string[] | undefined;
  readonly enableAdmissionPlugins: readonly string[];
  readonly disableAdmissionPlugins: readonly string[];
  readonly admissionControlConfig?: PluginConfigurations;
  readonly defaultTolerations?: DefaultTolerations;
  readonly serviceClusterIpRanges: readonly string[];
  readonly serviceNodePortRange: { readonly from: number; readonly size: number };
  readonly allowPrivileged: boolean;
  /** Requests wait for their turn in fair queues. Default true; else there are two plain bounds. */
  readonly priorityAndFairness?: boolean;
  /** The two bounds; their sum is what priority and fairness divides. */
  readonly maxRequestsInflight: number;
  readonly maxMutatingRequestsInflight: number;
  readonly requestTimeoutSeconds: number;
  readonly minRequestTimeoutSeconds: number;
  readonly eventTtlSeconds: number;
  /** Whether `/debug` is there: profiles, and the verbosity of the log. */
  readonly profiling: boolean;
  /** What `/debug/flags/v` sets. */
  readonly verbosity?: Verbosity | undefined;
  /** What is recorded, and where. The server closes the sink when it ends. */
  readonly audit?: { readonly policy: AuditPolicy; sink(onLost: AuditLoss): AuditSink };
  /** How the API server reaches kubelets, for logs, exec, attach, port-forward and proxies. */
  readonly kubelet?: {
    readonly clientCertificate?: Reloadable<ServingCertificate>;
    readonly certificateAuthority?: Reloadable<string>;
    readonly preferredAddressTypes: readonly string[];
  };
  /** How fast streams to kubelets, pods, nodes and services may be, each way; 0: without limit (`--max-connection-bytes-per-sec`). */
  readonly connectionBytesPerSecond?: number;
  /** Through what the server's own connections go (`--egress-selector-config-file`). Default: straight. */
  readonly egress?: EgressSelector | undefined;
  /** What requests set going (`--tracing-config-file`). Default: nobody follows it. */
  readonly tracing?: Tracing | undefined;
  /** Webhooks behind services are asked at the addresses of their endpoints, not at the service's own (`--enable-aggregator-routing`). */
  readonly routeToEndpoints?: boolean;
  /** What this server proves itself with to the servers behind APIServices. */
  readonly proxyClientCertificate?: Reloadable<ServingCertificate>;
  /** Other API servers on the same store. */
  readonly peers?: PeersConfig;
  /** An answer of such a server that leads elsewhere becomes an error. Default true. */
  readonly rejectForwardedRedirects?: boolean;
  /** How long after the start /livez does not mind that parts are still starting (`--livez-grace-period`). */
  readonly livezGraceMs?: number;
  /** How long the store may take to answer a health check, and one of readiness. */
  readonly storeHealthTimeoutMs?: number;
  readonly storeReadyTimeoutMs?: number;
  /** How long to go on serving, no longer ready. */
  readonly shutdownDelayMs: number;
  /** New requests are answered with 429 while running ones end; otherwise nobody listens any more. */
  readonly shutdownSendRetryAfter?: boolean;
  /** How long the watches may take to end, before connections are closed; 0: they are not waited for. */
  readonly shutdownWatchGraceMs?: number;
  /** Until it was ready once, others are sent away with 503 (`--send-retry-after-while-not-ready-once`). */
  readonly sendRetryAfterWhileNotReady?: boolean;
  /** Of Strict-Transport-Security; none: it is not sent. */
  readonly hstsDirectives?: readonly string[];
  /** Whether web pages of this origin may ask; without it none may. */
  readonly allowsOrigin?: (origin: string) => boolean;
  /** How probable it is that a request over HTTP/2 is the last of its connection. */
  readonly goawayChance?: number;
  /** At which every node leads to the service `default/kubernetes`, where it is made. Default: none does. */
  readonly kubernetesServiceNodePort?: number;
  /** How the API servers know of each other. Default: by leases. */
  readonly endpointReconciler?: ReconcilerType;
  /** How many API servers there are, for those who only count them. */
  readonly apiServerCount?: number;
  /** Compact the store this often; 0: never. */
  readonly compactionIntervalMs: number;
  readonly clock?: () => Date;
  readonly uuid?: () => string;
  readonly random?: () => number;
}

/** `host:port` that clients are told to find the server at. */
export function externalAddressOf({
  externalHostname = '',
  advertiseAddress,
  securePort,
}: Pick<ServerConfig, 'externalHostname' | 'advertiseAddress' | 'securePort'>): string {
  const host = externalHostname || advertiseAddress;
  if (/^(?:[^:]*|\[.*\]):[^:]*$/.test(host)) return host;
  return joinHostPort(host, securePort);
}
