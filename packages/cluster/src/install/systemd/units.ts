/** Units of systemd that run a control plane, in place of static pods (systemd.service(5), systemd.exec(5)). */
import { controlPlaneCommand, type EtcdMember, etcdCommand } from '../command-lines.ts';
import type { Configuration, EnvVar } from '../configuration/types.ts';
import {
  BOOTSTRAP_KUBECONFIG,
  type ControlPlaneComponent,
  KUBECONFIG_FILES,
  KUBELET_CONFIGURATION,
  KUBELET_DIR,
  KUBELET_ENVIRONMENT,
  type Layout,
} from '../layout.ts';

/** What units take from the machine. */
export interface UnitEnvironment {
  readonly layout: Layout;
  /** The path of a program, by its name. */
  program(name: string): string;
  readonly etcdVersion: string;
  /** See {@link controlPlaneCommand}. */
  readonly keepsAuthorityKey: boolean;
}

export interface Unit {
  readonly description: string;
  readonly documentation: string;
  /** Units that this one is started after. */
  readonly after: readonly string[];
  readonly service: readonly Setting[];
}

export type Setting = readonly [name: string, value: string];

const DOCUMENTATION = 'https://kubernetes.io/docs/reference/command-line-tools-reference';

const components: Readonly<Record<ControlPlaneComponent, { readonly description: string; readonly after: string }>> = {
  'kube-apiserver': { description: 'API server of Kubernetes (Keelson)', after: 'etcd.service' },
  'kube-controller-manager': { description: 'Controllers of Kubernetes (Keelson)', after: 'kube-apiserver.service' },
  'kube-scheduler': { description: 'Scheduler of Kubernetes (Keelson)', after: 'kube-apiserver.service' },
};

/** How long each may take to end: the API server lets its requests finish. */
const stopSeconds: Readonly<Record<ControlPlaneComponent, number>> = {
  'kube-apiserver': 90,
  'kube-controller-manager': 30,
  'kube-scheduler': 30,
};

/** The unit of a part of the control plane. */
export function controlPlaneUnit(
  component: ControlPlaneComponent,
  configuration: Configuration,
  environment: UnitEnvironment,
): string {
  const { layout, keepsAuthorityKey, program } = environment;
  const { cluster } = configuration;
  const options = {
    'kube-apiserver': cluster.apiServer,
    'kube-controller-manager': cluster.controllerManager,
    'kube-scheduler': cluster.scheduler,
  }[component];
  const [name, ...flags] = controlPlaneCommand(component, configuration, hostPath(layout), keepsAuthorityKey);
  const command = [program(name!), ...flags];
  const writable = options.extraVolumes.filter(({ readOnly }) => !readOnly).map(({ hostPath }) => hostPath);
  return unitText({
    ...components[component],
    documentation: `${DOCUMENTATION}/${component}/`,
    after: ['network-online.target', components[component].after],
    service: [
      ['Type', 'exec'],
      ['ExecStart', commandLine(command)],
      ...environmentOf(options.extraEnvs),
      ['Restart', 'always'],
      ['RestartSec', '2s'],
      ['TimeoutStopSec', `${stopSeconds[component]}s`],
      ['LimitNOFILE', '1048576'],
      ...sandbox(command, { writable, capabilities: hasLowPort(flags) ? ['CAP_NET_BIND_SERVICE'] : [] }),
    ],
  });
}

/** The unit of this machine's etcd. @param members see {@link etcdCommand} */
export function etcdUnit(
  configuration: Configuration,
  { layout, program, etcdVersion }: UnitEnvironment,
  members: readonly EtcdMember[] = [],
): string {
  const local = configuration.cluster.etcd.local!;
  const [name, ...flags] = etcdCommand(configuration, hostPath(layout), { members, version: etcdVersion });
  const command = [program(name!), ...flags];
  return unitText({
    description: 'etcd, where the state of Kubernetes is kept',
    documentation: 'https://etcd.io/docs',
    after: ['network-online.target'],
    service: [
      ['Type', 'notify'],
      ['ExecStart', commandLine(command)],
      ...environmentOf(local.extraEnvs),
      ['Restart', 'always'],
      ['RestartSec', '2s'],
      ['TimeoutStartSec', '0'],
      ['LimitNOFILE', '65536'],
      ['OOMScoreAdjust', '-999'],
      ...sandbox(command, { writable: [layout.host(local.dataDir)], capabilities: [] }),
      ['MemoryDenyWriteExecute', 'yes'],
    ],
  });
}

/** The unit of the kubelet, which has the run of the machine; its flags are kubeadm's, and those of two files. */
export function kubeletUnit(environment: Pick<UnitEnvironment, 'layout' | 'program'>): string {
  const { layout, program } = environment;
  const flags = [
    `--bootstrap-kubeconfig=${layout.host(BOOTSTRAP_KUBECONFIG)}`,
    `--kubeconfig=${layout.host(KUBECONFIG_FILES.kubelet)}`,
    `--config=${layout.host(KUBELET_CONFIGURATION)}`,
    ...(layout.host(KUBELET_DIR) === KUBELET_DIR
      ? []
      : [`--root-dir=${layout.host(KUBELET_DIR)}`, `--cert-dir=${layout.host(`${KUBELET_DIR}/pki`)}`]),
  ];
  return unitText({
    description: 'kubelet: the agent of Kubernetes on this machine (Keelson)',
    documentation: `${DOCUMENTATION}/kubelet/`,
    after: ['network-online.target', 'containerd.service', 'crio.service'],
    service: [
      ['Type', 'exec'],
      ['EnvironmentFile', `-${layout.host(KUBELET_ENVIRONMENT)}`],
      ['EnvironmentFile', `-${layout.host('/etc/default/kubelet')}`],
      // The two variables stand for words, and are left out where nothing sets them.
      ['ExecStart', `${commandLine([program('kubelet'), ...flags])} \\\n  $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS`],
      ['Restart', 'always'],
      ['RestartSec', '10s'],
      ['KillMode', 'process'],
      ['LimitNOFILE', '1048576'],
      ['OOMScoreAdjust', '-999'],
      ['CPUAccounting', 'yes'],
      ['MemoryAccounting', 'yes'],
      ['LockPersonality', 'yes'],
      ['RestrictRealtime', 'yes'],
      ['SystemCallArchitectures', 'native'],
      ['UMask', '0022'],
    ],
  });
}

export function unitText({ description, documentation, after, service }: Unit): string {
  const section = (name: string, settings: readonly Setting[]) =>
    `[${name}]\n${settings.map(([setting, value]) => `${setting}=${value}\n`).join('')}`;
  return [
    section('Unit', [
      ['Description', description],
      ['Documentation', documentation],
      ['Wants', 'network-online.target'],
      ['After', after.join(' ')],
      ['StartLimitIntervalSec', '0'],
    ]),
    section('Service', service),
    section('Install', [['WantedBy', 'multi-user.target']]),
  ].join('\n');
}

const hostPath = (layout: Layout) => (path: string) => layout.host(path);

/** One flag a line. */
export const commandLine = (words: readonly string[]) => words.map(word).join(' \\\n  ');

/** A word of a command as systemd reads it: `%` and `$` stand for themselves. */
function word(text: string): string {
  const plain = text.replaceAll('%', '%%').replaceAll('$', '$$$$');
  if (/^[^\s"'\\;]+$/.test(plain)) return plain;
  return `"${plain.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}

function environmentOf(variables: readonly EnvVar[]): Setting[] {
  return variables.map(({ name, value }) => {
    const text = `${name}=${value ?? ''}`.replaceAll('%', '%%').replaceAll('\\', '\\\\').replaceAll('"', '\\"');
    return ['Environment', `"${text}"`];
  });
}

const PRIVILEGED_PORTS = 1024;
const hasLowPort = (flags: readonly string[]) =>
  flags.some((flag) => {
    const [, port] = /^--secure-port=([0-9]+)$/.exec(flag) ?? [];
    return port !== undefined && Number(port) > 0 && Number(port) < PRIVILEGED_PORTS;
  });

/**
 * What a server cannot do that it has no need to. It stays root, who owns the keys, and has none of root's capabilities but those given.
 * @param command by what it names, folders of temporary files stay those of the machine
 */
export function sandbox(
  command: readonly string[],
  { writable, capabilities }: { readonly writable: readonly string[]; readonly capabilities: readonly string[] },
): Setting[] {
  const usesTemporary = command.some((text) => /(^|=)\/(var\/)?tmp\//.test(text));
  // Who administers the network sets the kernel's limits of it, too.
  const setsKernel = capabilities.includes('CAP_NET_ADMIN');
  return [
    ['UMask', '0077'],
    ['NoNewPrivileges', 'yes'],
    ['CapabilityBoundingSet', capabilities.join(' ')],
    ['AmbientCapabilities', ''],
    ['ProtectSystem', 'strict'],
    ...(writable.length === 0 ? [] : [['ReadWritePaths', writable.map((path) => word(`-${path}`)).join(' ')] as const]),
    ['ProtectHome', 'read-only'],
    ['PrivateTmp', usesTemporary ? 'no' : 'yes'],
    ['PrivateDevices', 'yes'],
    ['ProtectClock', 'yes'],
    ['ProtectControlGroups', 'yes'],
    ['ProtectHostname', 'yes'],
    ['ProtectKernelLogs', 'yes'],
    ['ProtectKernelModules', 'yes'],
    ['ProtectKernelTunables', setsKernel ? 'no' : 'yes'],
    ['ProtectProc', 'invisible'],
    ['LockPersonality', 'yes'],
    ['RestrictAddressFamilies', 'AF_INET AF_INET6 AF_UNIX AF_NETLINK'],
    ['RestrictNamespaces', 'yes'],
    ['RestrictRealtime', 'yes'],
    ['RestrictSUIDSGID', 'yes'],
    ['SystemCallArchitectures', 'native'],
    ['SystemCallFilter', '@system-service'],
    ['SystemCallFilter', '~@privileged'],
    ['SystemCallErrorNumber', 'EPERM'],
  ];
}
