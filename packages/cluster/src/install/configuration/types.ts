/** kubeadm's configuration (kubeadm.k8s.io/v1beta4), decoded and with its defaults. Durations are milliseconds. */
import type { KeyAlgorithm } from '../../pki/certificate.ts';
import type { PodNetworkDocument } from '../../pod-network/configuration.ts';

export interface Configuration {
  readonly init: InitConfiguration;
  readonly cluster: ClusterConfiguration;
  /** The KubeletConfiguration, its kind and defaults included. */
  readonly kubelet: KubeletDocument;
  /** The KubeProxyConfiguration, its kind and defaults included. */
  readonly kubeProxy: KubeProxyDocument;
  /** The PodNetworkConfiguration, its kind and defaults included. */
  readonly podNetwork: PodNetworkDocument;
}

/** What is the machine's own. */
export interface InitConfiguration {
  readonly bootstrapTokens: readonly BootstrapToken[];
  readonly nodeRegistration: NodeRegistration;
  readonly localApiEndpoint: ApiEndpoint;
  /** By which authorities are uploaded, in hexadecimal; empty: one that is made. */
  readonly certificateKey: string;
  readonly skipPhases: readonly string[];
  /** Empty for none. */
  readonly patchesDirectory: string;
  readonly timeouts: Timeouts;
  readonly dryRun: boolean;
}

/** What is the cluster's, and is kept in the config map kubeadm-config. */
export interface ClusterConfiguration {
  readonly etcd: Etcd;
  readonly networking: Networking;
  readonly kubernetesVersion: string;
  /** `host` or `host:port`; empty where the one API server is the control plane. */
  readonly controlPlaneEndpoint: string;
  readonly apiServer: ComponentOptions & { readonly certSans: readonly string[] };
  readonly controllerManager: ComponentOptions;
  readonly scheduler: ComponentOptions;
  readonly dns: ImageOptions & { readonly disabled: boolean };
  readonly proxy: { readonly disabled: boolean };
  readonly certificatesDir: string;
  /** Empty: Keelson's own image runs the control plane. */
  readonly imageRepository: string;
  readonly featureGates: Readonly<Record<string, boolean>>;
  readonly clusterName: string;
  readonly encryptionAlgorithm: KeyAlgorithm;
  readonly certificateValidityMs: number;
  readonly caCertificateValidityMs: number;
}

export type Etcd =
  | { readonly local: LocalEtcd; readonly external?: undefined }
  | { readonly local?: undefined; readonly external: ExternalEtcd };

export interface LocalEtcd extends ImageOptions {
  readonly dataDir: string;
  readonly extraArgs: readonly Argument[];
  readonly extraEnvs: readonly EnvVar[];
  readonly serverCertSans: readonly string[];
  readonly peerCertSans: readonly string[];
}

export interface ExternalEtcd {
  readonly endpoints: readonly string[];
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Networking {
  readonly serviceSubnet: string;
  readonly podSubnet: string;
  readonly dnsDomain: string;
}

export interface ComponentOptions {
  readonly extraArgs: readonly Argument[];
  readonly extraVolumes: readonly HostPathMount[];
  readonly extraEnvs: readonly EnvVar[];
}

export interface Argument {
  readonly name: string;
  readonly value: string;
}

/** As in a container (core/v1 EnvVar). */
export interface EnvVar {
  readonly name: string;
  readonly [field: string]: unknown;
}

export interface HostPathMount {
  readonly name: string;
  readonly hostPath: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
  readonly pathType: string;
}

export interface ImageOptions {
  readonly imageRepository: string;
  readonly imageTag: string;
}

export interface ApiEndpoint {
  readonly advertiseAddress: string;
  readonly bindPort: number;
}

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

export interface NodeRegistration {
  readonly name: string;
  readonly criSocket: string;
  readonly taints: readonly Taint[];
  readonly kubeletExtraArgs: readonly Argument[];
  readonly ignorePreflightErrors: readonly string[];
  readonly imagePullPolicy: string;
  readonly imagePullSerial: boolean;
}

export interface BootstrapToken {
  /** `abcdef.0123456789abcdef` */
  readonly token: string;
  readonly description: string;
  /** 0: it does not end. */
  readonly ttlMs: number;
  /** RFC 3339, instead of a time to live. */
  readonly expires: string;
  readonly usages: readonly string[];
  readonly groups: readonly string[];
}

export interface Timeouts {
  readonly controlPlaneComponentHealthCheck: number;
  readonly kubeletHealthCheck: number;
  readonly kubernetesAPICall: number;
  readonly etcdAPICall: number;
  readonly tlsBootstrap: number;
  readonly discovery: number;
  readonly upgradeManifests: number;
}

export type KubeletDocument = Readonly<Record<string, unknown>>;
export type KubeProxyDocument = Readonly<Record<string, unknown>>;

/** What a configuration takes from the machine where it does not say. */
export interface MachineFacts {
  readonly hostname: string;
  /** Of the interface that others reach it by; undefined where there is none. */
  readonly address: string | undefined;
  /** A bootstrap token that nobody can guess. */
  newToken(): string;
}
