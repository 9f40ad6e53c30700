/** The static pods of a control plane, as kubeadm lays them out (kubeadm/app/phases/controlplane, phases/etcd, util/staticpod). */
import { dirname } from 'node:path';
import { joinHostPort, unbracketed } from '@keelson/component/go/net';
import { controlPlaneCommand, type EtcdMember, etcdCommand, extraArgument, type PathName } from './command-lines.ts';
import { addressOf, ETCD_METRICS_PORT, etcdClientUrl, loopbackOf } from './configuration/endpoints.ts';
import type { Argument, ClusterConfiguration, Configuration, EnvVar, HostPathMount } from './configuration/types.ts';
import { imageName, kubernetesImage } from './images.ts';
import { type ControlPlaneComponent, KUBECONFIG_FILES, type StaticPodName } from './layout.ts';

/** What manifests take from the machine. */
export interface PodEnvironment {
  /** What the kubelet calls a file of the installation; containers see it under its own path. */
  readonly hostPath: PathName;
  readonly trustFolders: readonly string[];
  /** Of the etcd that this machine has, from which its image is made; empty where it has none. */
  readonly etcdVersion: string;
  /** See {@link controlPlaneCommand}. */
  readonly keepsAuthorityKey: boolean;
}

/** A manifest, its fields in the order in which they are written. */
export type PodManifest = Readonly<Record<string, unknown>>;

interface Mount {
  readonly name: string;
  /** On the machine. */
  readonly path: string;
  /** In the container. */
  readonly mountPath: string;
  readonly readOnly: boolean;
  readonly type: string;
}

interface Probed {
  readonly host: string;
  readonly port: number;
  readonly scheme: 'HTTP' | 'HTTPS';
}

const inContainer: PathName = (path) => path;

/** The pod of a part of the control plane. */
export function controlPlanePod(
  component: ControlPlaneComponent,
  configuration: Configuration,
  environment: PodEnvironment,
): PodManifest {
  const { init, cluster } = configuration;
  const { advertiseAddress, bindPort } = init.localApiEndpoint;
  const options = {
    name: component,
    command: controlPlaneCommand(component, configuration, inContainer, environment.keepsAuthorityKey),
    image: kubernetesImage(component, cluster),
    startupMs: init.timeouts.controlPlaneComponentHealthCheck,
  };
  switch (component) {
    case 'kube-apiserver':
      return pod({
        ...options,
        annotations: {
          'kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint': joinHostPort(advertiseAddress, bindPort),
        },
        env: cluster.apiServer.extraEnvs,
        probed: { host: advertiseAddress, port: bindPort, scheme: 'HTTPS' },
        paths: { liveness: '/livez', readiness: '/readyz', startup: '/livez' },
        requests: { cpu: '250m' },
        mounts: withExtra(
          [
            certificatesMount(cluster, environment),
            ...trustMounts(environment),
            ...externalEtcdMounts(cluster, environment),
          ],
          cluster.apiServer.extraVolumes,
        ),
      });
    case 'kube-controller-manager':
      return pod({
        ...options,
        env: cluster.controllerManager.extraEnvs,
        probed: { ...loopback(cluster.controllerManager.extraArgs), port: 10257, scheme: 'HTTPS' },
        paths: { liveness: '/healthz', startup: '/healthz' },
        requests: { cpu: '200m' },
        mounts: withExtra(
          [
            certificatesMount(cluster, environment),
            kubeconfigMount('controller-manager', environment),
            ...trustMounts(environment),
          ],
          cluster.controllerManager.extraVolumes,
        ),
      });
    case 'kube-scheduler':
      return pod({
        ...options,
        env: cluster.scheduler.extraEnvs,
        probed: { ...loopback(cluster.scheduler.extraArgs), port: 10259, scheme: 'HTTPS' },
        paths: { liveness: '/livez', readiness: '/readyz', startup: '/livez' },
        requests: { cpu: '100m' },
        mounts: withExtra([kubeconfigMount('scheduler', environment)], cluster.scheduler.extraVolumes),
      });
  }
}

/** The pod of this machine's etcd. @param members see {@link etcdCommand} */
export function etcdPod(
  configuration: Configuration,
  { hostPath, etcdVersion }: PodEnvironment,
  members: readonly EtcdMember[] = [],
): PodManifest {
  const { init, cluster } = configuration;
  const { local } = cluster.etcd;
  if (local === undefined) throw new Error('etcd is external: it has no pod here');
  const certificates = `${cluster.certificatesDir}/etcd`;
  return pod({
    name: 'etcd',
    command: etcdCommand(configuration, inContainer, { members, version: local.imageTag || etcdVersion }),
    image: imageName('etcd', local.imageRepository || cluster.imageRepository, local.imageTag),
    startupMs: init.timeouts.controlPlaneComponentHealthCheck,
    annotations: { 'kubeadm.kubernetes.io/etcd.advertise-client-urls': etcdClientUrl(addressOf(init)) },
    env: local.extraEnvs,
    probed: etcdMetrics(local.extraArgs, loopbackOf(addressOf(init))),
    paths: { liveness: '/livez', readiness: '/readyz', startup: '/readyz' },
    requests: { cpu: '100m', memory: '100Mi' },
    mounts: [
      mount('etcd-data', hostPath(local.dataDir), local.dataDir, false),
      mount('etcd-certs', hostPath(certificates), certificates, false),
    ],
  });
}

/** Where etcd answers without a certificate: the first of its URLs for metrics. */
function etcdMetrics(args: readonly Argument[], host: string): Probed {
  const [given] = extraArgument(args, 'listen-metrics-urls')?.split(',') ?? [];
  if (given === undefined || !URL.canParse(given)) return { host, port: ETCD_METRICS_PORT, scheme: 'HTTP' };
  const { protocol, hostname, port } = new URL(given);
  return {
    host: unbracketed(hostname) || host,
    port: port === '' ? ETCD_METRICS_PORT : Number(port),
    scheme: protocol === 'https:' ? 'HTTPS' : 'HTTP',
  };
}

/** Where the kubelet asks a component that listens on its loopback address unless it is told otherwise. */
function loopback(args: readonly Argument[]): { readonly host: string } {
  const given = extraArgument(args, 'bind-address') ?? '127.0.0.1';
  return { host: given === '0.0.0.0' || given === '::' ? '' : given };
}

const mount = (name: string, path: string, mountPath: string, readOnly = true, type = 'DirectoryOrCreate'): Mount => ({
  name,
  path,
  mountPath,
  readOnly,
  type,
});

const certificatesMount = ({ certificatesDir }: ClusterConfiguration, { hostPath }: PodEnvironment) =>
  mount('k8s-certs', hostPath(certificatesDir), certificatesDir);

function kubeconfigMount(name: 'controller-manager' | 'scheduler', { hostPath }: PodEnvironment): Mount {
  const path = KUBECONFIG_FILES[name];
  return mount('kubeconfig', hostPath(path), path, true, 'FileOrCreate');
}

const trustMounts = ({ trustFolders }: PodEnvironment) =>
  trustFolders.map((path) =>
    mount(path === '/etc/ssl/certs' ? 'ca-certs' : path.slice(1).replaceAll('/', '-'), path, path),
  );

/** The folders with the certificates of an external etcd that no other mount holds. */
function externalEtcdMounts({ etcd, certificatesDir }: ClusterConfiguration, environment: PodEnvironment): Mount[] {
  if (!etcd.external) return [];
  const { caFile, certFile, keyFile } = etcd.external;
  const isWithin = (path: string, folder: string) => path === folder || path.startsWith(`${folder}/`);
  const there = [certificatesDir, ...environment.trustFolders];
  const folders = [...new Set([caFile, certFile, keyFile].filter((file) => file !== '').map((file) => dirname(file)))]
    .sort()
    .filter((folder) => !there.some((other) => isWithin(folder, other)))
    .filter((folder, _, all) => !all.some((other) => other !== folder && isWithin(folder, other)));
  return folders.map((folder, i) => mount(`etcd-certs-${i}`, environment.hostPath(folder), folder));
}

/** The configuration's mounts; they replace those of the same name. */
function withExtra(mounts: readonly Mount[], extra: readonly HostPathMount[]): Mount[] {
  const given = extra.map(({ name, hostPath, mountPath, readOnly, pathType }) =>
    mount(name, hostPath, mountPath, readOnly, pathType),
  );
  return [...new Map([...mounts, ...given].map((each) => [each.name, each])).values()];
}

interface PodOptions {
  readonly name: StaticPodName;
  readonly command: readonly string[];
  readonly image: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly env: readonly EnvVar[];
  readonly probed: Probed;
  readonly paths: { readonly liveness: string; readonly readiness?: string; readonly startup: string };
  readonly startupMs: number;
  readonly requests: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
}

function pod({ name, command, image, annotations, env, probed, paths, startupMs, requests, mounts }: PodOptions) {
  const ordered = mounts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const startup = { initialDelaySeconds: 10, failureThreshold: Math.ceil(startupMs / 10_000), periodSeconds: 10 };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...(annotations ? { annotations } : {}),
      labels: { component: name, tier: 'control-plane' },
      name,
      namespace: 'kube-system',
    },
    spec: {
      containers: [
        {
          command,
          ...(env.length > 0 ? { env } : {}),
          image,
          imagePullPolicy: 'IfNotPresent',
          livenessProbe: probe(probed, paths.liveness, {
            initialDelaySeconds: 10,
            failureThreshold: 8,
            periodSeconds: 10,
          }),
          name,
          ports: [{ containerPort: probed.port, name: PROBE_PORT, protocol: 'TCP' }],
          ...(paths.readiness === undefined
            ? {}
            : { readinessProbe: probe(probed, paths.readiness, { failureThreshold: 3, periodSeconds: 1 }) }),
          resources: { requests },
          startupProbe: probe(probed, paths.startup, startup),
          volumeMounts: ordered.map(({ name, mountPath, readOnly }) => ({
            mountPath,
            name,
            ...(readOnly ? { readOnly } : {}),
          })),
        },
      ],
      hostNetwork: true,
      priority: 2000001000,
      priorityClassName: 'system-node-critical',
      // Keys are readable by root alone, and the image's own user is another.
      securityContext: { runAsGroup: 0, runAsUser: 0, seccompProfile: { type: 'RuntimeDefault' } },
      volumes: ordered.map(({ name, path, type }) => ({ hostPath: { path, ...(type === '' ? {} : { type }) }, name })),
    },
    status: {},
  };
}

const PROBE_PORT = 'probe-port';

function probe(
  { host, scheme }: Probed,
  path: string,
  times: { readonly initialDelaySeconds?: number; readonly failureThreshold: number; readonly periodSeconds: number },
) {
  const { failureThreshold, initialDelaySeconds, periodSeconds } = times;
  return {
    failureThreshold,
    httpGet: { ...(host === '' ? {} : { host }), path, port: PROBE_PORT, scheme },
    ...(initialDelaySeconds === undefined ? {} : { initialDelaySeconds }),
    periodSeconds,
    timeoutSeconds: 15,
  };
}
