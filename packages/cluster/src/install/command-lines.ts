/** The command line of each part of a control plane, as kubeadm sets it (kubeadm/app/phases/controlplane, phases/etcd). */
import { joinHostPort } from '@keelson/component/go/net';
import { addressOf, ETCD_METRICS_PORT, etcdClientUrl, etcdPeerUrl, loopbackOf } from './configuration/endpoints.ts';
import type { Argument, Configuration } from './configuration/types.ts';
import { type ControlPlaneComponent, KUBECONFIG_FILES } from './layout.ts';

/** What a process calls a file of the machine: the same in a container, and see {@link Layout.host}. */
export type PathName = (path: string) => string;

type Flags = Readonly<Record<string, string>>;

/**
 * The name of the program and its flags: kubeadm's in order of their names, then the configuration's, which replace them.
 * @param keepsAuthorityKey whether the key of the cluster's authority is here, so that the controller manager can sign
 */
export function controlPlaneCommand(
  component: ControlPlaneComponent,
  configuration: Configuration,
  path: PathName,
  keepsAuthorityKey: boolean,
): string[] {
  const { apiServer, controllerManager, scheduler } = configuration.cluster;
  switch (component) {
    case 'kube-apiserver':
      return commandLine(component, apiserverFlags(configuration, path), apiServer.extraArgs);
    case 'kube-controller-manager':
      return commandLine(
        component,
        controllerManagerFlags(configuration, path, keepsAuthorityKey),
        controllerManager.extraArgs,
      );
    case 'kube-scheduler':
      return commandLine(component, schedulerFlags(path), scheduler.extraArgs);
  }
}

/** The value that the configuration gives a flag, the last where it does so more than once. */
export function extraArgument(args: readonly Argument[], name: string): string | undefined {
  return args.findLast((argument) => argument.name === name)?.value;
}

/** `program --a=1 --b=2`, given flags in the place of those of the same name, behind all others. */
export function commandLine(program: string, flags: Flags, given: readonly Argument[]): string[] {
  const replaced = new Set(given.map(({ name }) => name));
  const kept = Object.entries(flags)
    .filter(([name]) => !replaced.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, value }));
  return [program, ...[...kept, ...given].map(({ name, value }) => `--${name}=${value}`)];
}

function apiserverFlags(configuration: Configuration, path: PathName): Flags {
  const { init, cluster } = configuration;
  const { networking, apiServer } = cluster;
  const pki = (file: string) => path(`${cluster.certificatesDir}/${file}`);
  const modes = extraArgument(apiServer.extraArgs, 'authorization-config') === undefined;
  return {
    'advertise-address': init.localApiEndpoint.advertiseAddress,
    'allow-privileged': 'true',
    ...(modes ? { 'authorization-mode': 'Node,RBAC' } : {}),
    'client-ca-file': pki('ca.crt'),
    'enable-admission-plugins': 'NodeRestriction',
    'enable-bootstrap-token-auth': 'true',
    ...etcdFlags(configuration, path),
    'kubelet-client-certificate': pki('apiserver-kubelet-client.crt'),
    'kubelet-client-key': pki('apiserver-kubelet-client.key'),
    'kubelet-preferred-address-types': 'InternalIP,ExternalIP,Hostname',
    'proxy-client-cert-file': pki('front-proxy-client.crt'),
    'proxy-client-key-file': pki('front-proxy-client.key'),
    'requestheader-allowed-names': 'front-proxy-client',
    'requestheader-client-ca-file': pki('front-proxy-ca.crt'),
    'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
    'requestheader-group-headers': 'X-Remote-Group',
    'requestheader-username-headers': 'X-Remote-User',
    'secure-port': String(init.localApiEndpoint.bindPort),
    'service-account-issuer': `https://kubernetes.default.svc.${networking.dnsDomain}`,
    'service-account-key-file': pki('sa.pub'),
    'service-account-signing-key-file': pki('sa.key'),
    'service-cluster-ip-range': networking.serviceSubnet,
    'tls-cert-file': pki('apiserver.crt'),
    'tls-private-key-file': pki('apiserver.key'),
  };
}

/** Where the API server finds etcd, and how each knows the other. */
function etcdFlags({ init, cluster }: Configuration, path: PathName): Flags {
  const { external, local } = cluster.etcd;
  if (external) {
    const { caFile, certFile, keyFile } = external;
    return {
      'etcd-servers': external.endpoints.join(','),
      ...(caFile === '' ? {} : { 'etcd-cafile': path(caFile) }),
      ...(certFile === '' ? {} : { 'etcd-certfile': path(certFile), 'etcd-keyfile': path(keyFile) }),
    };
  }
  const own = extraArgument(local.extraArgs, 'advertise-client-urls');
  return {
    'etcd-servers': own ?? etcdClientUrl(loopbackOf(addressOf(init))),
    'etcd-cafile': path(`${cluster.certificatesDir}/etcd/ca.crt`),
    'etcd-certfile': path(`${cluster.certificatesDir}/apiserver-etcd-client.crt`),
    'etcd-keyfile': path(`${cluster.certificatesDir}/apiserver-etcd-client.key`),
  };
}

function controllerManagerFlags({ cluster }: Configuration, path: PathName, keepsAuthorityKey: boolean): Flags {
  const { podSubnet, serviceSubnet } = cluster.networking;
  const pki = (file: string) => path(`${cluster.certificatesDir}/${file}`);
  const kubeconfig = path(KUBECONFIG_FILES['controller-manager']);
  return {
    ...(podSubnet === ''
      ? {}
      : { 'allocate-node-cidrs': 'true', 'cluster-cidr': podSubnet, 'service-cluster-ip-range': serviceSubnet }),
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    'client-ca-file': pki('ca.crt'),
    'cluster-name': cluster.clusterName,
    'cluster-signing-cert-file': keepsAuthorityKey ? pki('ca.crt') : '',
    'cluster-signing-key-file': keepsAuthorityKey ? pki('ca.key') : '',
    controllers: '*,bootstrapsigner,tokencleaner',
    kubeconfig,
    'leader-elect': 'true',
    'requestheader-client-ca-file': pki('front-proxy-ca.crt'),
    'root-ca-file': pki('ca.crt'),
    'service-account-private-key-file': pki('sa.key'),
    'use-service-account-credentials': 'true',
  };
}

function schedulerFlags(path: PathName): Flags {
  const kubeconfig = path(KUBECONFIG_FILES.scheduler);
  return {
    'authentication-kubeconfig': kubeconfig,
    'authorization-kubeconfig': kubeconfig,
    'bind-address': '127.0.0.1',
    kubeconfig,
    'leader-elect': 'true',
  };
}

/** A member of an etcd cluster. */
export interface EtcdMember {
  readonly name: string;
  readonly peerUrl: string;
}

export interface EtcdOptions {
  /** Of the cluster that it joins, itself included; none where it is the first. */
  readonly members?: readonly EtcdMember[];
  /** `3.6.8`: flags that were experiments before 3.6 have another name there. */
  readonly version: string;
}

/** The command line of this machine's etcd. */
export function etcdCommand(
  { init, cluster }: Configuration,
  path: PathName,
  { members = [], version }: EtcdOptions,
): string[] {
  const { local } = cluster.etcd;
  if (local === undefined) throw new Error('etcd is external: it has no command line here');
  const { name } = init.nodeRegistration;
  const address = addressOf(init);
  const loopback = loopbackOf(address);
  const pki = (file: string) => path(`${cluster.certificatesDir}/etcd/${file}`);
  const [client, peer] = [etcdClientUrl(address), etcdPeerUrl(address)];
  const initial = members.length === 0 ? [{ name, peerUrl: peer }] : members;
  const flags = {
    'advertise-client-urls': client,
    'cert-file': pki('server.crt'),
    'client-cert-auth': 'true',
    'data-dir': path(local.dataDir),
    'initial-advertise-peer-urls': peer,
    'initial-cluster': initial.map((member) => `${member.name}=${member.peerUrl}`).join(','),
    ...(members.length === 0 ? {} : { 'initial-cluster-state': 'existing' }),
    'key-file': pki('server.key'),
    'listen-client-urls': [...new Set([etcdClientUrl(loopback), client])].join(','),
    'listen-metrics-urls': `http://${joinHostPort(loopback, ETCD_METRICS_PORT)}`,
    'listen-peer-urls': peer,
    name,
    'peer-cert-file': pki('peer.crt'),
    'peer-client-cert-auth': 'true',
    'peer-key-file': pki('peer.key'),
    'peer-trusted-ca-file': pki('ca.crt'),
    'snapshot-count': '10000',
    'trusted-ca-file': pki('ca.crt'),
    ...(isBefore36(version)
      ? { 'experimental-initial-corrupt-check': 'true', 'experimental-watch-progress-notify-interval': '5s' }
      : { 'feature-gates': 'InitialCorruptCheck=true', 'watch-progress-notify-interval': '5s' }),
  };
  return commandLine('etcd', flags, local.extraArgs);
}

const isBefore36 = (version: string) => /^v?(3\.[0-5]|2)\./.test(version);
