import { resolve } from 'node:path';
import { systemWorld } from '@keelson/client';
import { FlagError, type FlagTable, type FlagValues, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import { documentOf } from '../install/configuration/documents.ts';
import { configurationDocuments, explained, type Setting } from '../install/context.ts';
import { DiskFiles, DryRunFiles } from '../install/files.ts';
import { decodeJoin, type JoinConfiguration } from '../install/join/configuration.ts';
import { type JoinContext, joinContext } from '../install/join/context.ts';
import { joinPhases } from '../install/join/phases/join.ts';
import { KUBECONFIG_FILES, Layout } from '../install/layout.ts';
import { etcdVersion, machineFacts, trustFolders } from '../install/machine.ts';
import { readPatches } from '../install/patches.ts';
import { findProgram } from '../install/systemd/programs.ts';
import { hasSystemd, systemdServices } from '../install/systemd/services.ts';
import { StartupError } from '../startup-error.ts';
import { type Command, outcomeOf } from './command.ts';
import { showFiles } from './installation.ts';
import type { Io } from './io.ts';
import { type NamedPhase, namedPhase, phaseHelp, phaseTree, phaseWords, runNamed } from './phases.ts';

const general = { section: 'General' } as const;
const discovery = { section: 'Discovery' } as const;
const controlPlane = { section: 'Control plane' } as const;

const flags = {
  config: { type: 'string', ...general },
  'cri-socket': { type: 'string', ...general },
  'dry-run': { type: 'bool', ...general },
  'ignore-preflight-errors': { type: 'strings', ...general },
  'node-name': { type: 'string', ...general },
  patches: { type: 'string', ...general },
  'skip-phases': { type: 'strings', ...general },
  root: { type: 'string', ...general },
  'bin-dir': { type: 'string', ...general },
  help: { type: 'bool', shorthand: 'h', ...general },
  'control-plane': { type: 'bool', ...controlPlane },
  'certificate-key': { type: 'string', ...controlPlane },
  'apiserver-advertise-address': { type: 'string', ...controlPlane },
  'apiserver-bind-port': { type: 'int', ...controlPlane, default: '6443' },
  systemd: { type: 'bool', ...controlPlane },
  token: { type: 'string', ...discovery },
  'discovery-token': { type: 'string', ...discovery },
  'discovery-token-ca-cert-hash': { type: 'strings', ...discovery },
  'discovery-token-unsafe-skip-ca-verification': { type: 'bool', ...discovery },
  'discovery-file': { type: 'string', ...discovery },
  'tls-bootstrap-token': { type: 'string', ...discovery },
} as const satisfies FlagTable;

type Values = FlagValues<typeof flags>;

const descriptions: Readonly<Record<keyof typeof flags, string>> = {
  config: 'File with a JoinConfiguration of kubeadm.k8s.io/v1beta4.',
  'cri-socket': 'Socket of the container runtime.',
  'dry-run': 'Change nothing: show what would be written.',
  'ignore-preflight-errors': 'Checks whose failure is a warning only; all: none stands in the way.',
  'node-name': "Name of this machine's node. Default: the host name.",
  patches: 'Folder of patches of what is written: files such as kube-apiserver0+merge.yaml.',
  'skip-phases': 'Phases to leave out, such as preflight or control-plane-join/mark-control-plane.',
  root: 'Put everything below this folder, DIR/etc/kubernetes and so on, and have what is written name it there.',
  'bin-dir': 'Where the programs are that units run. Default: beside this one, or where the PATH has them.',
  help: 'Show this help.',
  'control-plane': 'Join the control plane: run etcd, an API server, a controller manager and a scheduler here, too.',
  'certificate-key':
    "Key of the authorities that the cluster keeps, as 'keelson init phase upload-certs' has shown it. Without it they have to be here.",
  'apiserver-advertise-address':
    "Address that others reach this machine's API server by. Default: that of the interface with the default route.",
  'apiserver-bind-port': 'Port of the API server.',
  systemd: 'Have systemd run the control plane, in place of static pods.',
  token: 'Token for both: to know the cluster by, and to be known by it.',
  'discovery-token': 'Token by which the cluster is known.',
  'discovery-token-ca-cert-hash': "Public key of the cluster's authority, sha256:HEX; may be given more than once.",
  'discovery-token-unsafe-skip-ca-verification': 'Believe whoever has the token, whatever the authority.',
  'discovery-file': 'Kubeconfig that says where the cluster is, and by which authority it is known.',
  'tls-bootstrap-token': "Token by which the kubelet asks for this machine's certificate.",
};

const summary = `Makes this machine a node of a cluster: finds the cluster and learns to trust it, writes what the kubelet reads, and
waits until the kubelet has the certificate that it asks the cluster for. With --control-plane it becomes one more machine
of the control plane, with a member of etcd.

Usage:
  keelson join HOST:PORT --token TOKEN --discovery-token-ca-cert-hash HASH [flags]
  keelson join HOST:PORT --token TOKEN --discovery-token-ca-cert-hash HASH --control-plane --certificate-key KEY [flags]
  keelson join --discovery-file FILE --tls-bootstrap-token TOKEN [flags]
  keelson join --config FILE [flags]
  keelson join phase NAME… [HOST:PORT] [flags]    one of the phases, with those that it consists of

Phases:
`;

export const command: Command = { flags, descriptions, words: phaseWords(joinPhases), run: join };

/** `keelson join` (kubeadm/app/cmd/join.go). @returns the exit code */
export function join(argv: readonly string[], io: Io): Promise<number> {
  return outcomeOf('keelson join', io, async () => {
    const { values, given, args } = parseFlags(flags, argv);
    const isPhase = args[0] === 'phase';
    const endpoints = args.filter((arg) => arg.includes(':') || !isPhase);
    const phase = isPhase
      ? namedPhase(
          'keelson join',
          joinPhases,
          args.slice(1).filter((arg) => !endpoints.includes(arg)),
        )
      : undefined;
    if (values.help || (isPhase && phase === undefined)) io.stdout(help(phase, io));
    else await run(values, given, endpoints, phase, io);
  });
}

async function run(
  values: Values,
  given: ReadonlySet<string>,
  endpoints: readonly string[],
  phase: NamedPhase<JoinContext> | undefined,
  io: Io,
): Promise<void> {
  const says = [values.config, values['discovery-file'], values.token, values['discovery-token']];
  if (endpoints.length === 0 && says.every((text) => text === '') && !values['control-plane'])
    throw new StartupError(
      'nothing says which cluster to join',
      "have a machine of its control plane show the whole command: 'keelson token create --print-join-command'",
    );
  const report = (line: string) => io.stdout(`${line}\n`);
  const layout = new Layout({ root: values.root, runHere: values.root !== '' });
  const disk = new DiskFiles(layout);
  const hasAdmin = await disk.exists(KUBECONFIG_FILES.admin);
  const settings = settingsOf(values, given, endpoints, hasAdmin ? layout.local(KUBECONFIG_FILES.admin) : undefined);
  const machine = await machineFacts();
  const configFile = values.config === '' ? undefined : resolve(values.config);
  const documents = await configurationDocuments({ configFile, settings });
  const decoded = explained(() => decodeJoin(documentOf(documents, 'JoinConfiguration'), machine), configFile);
  const { patchesDirectory, skipPhases } = decoded.init;
  if (!decoded.isControlPlane) warnOfFlags(given, report);
  const dryRun = values['dry-run'] || decoded.init.dryRun;
  const files = dryRun ? new DryRunFiles(disk) : disk;
  const context = joinContext({
    join: decoded,
    layout,
    files,
    dryRun,
    systemd: values.systemd,
    hostname: machine.hostname,
    trustFolders: trustFolders(layout),
    etcdVersion: await etcdVersion(),
    patches: patchesDirectory === '' ? [] : await readPatches(patchesDirectory),
    program: findProgram(values['bin-dir'], io.env.PATH),
    services: layout.root === '' && !dryRun && hasSystemd() ? systemdServices : undefined,
    report,
    world: systemWorld(),
  });
  try {
    await runNamed(joinPhases, phase, context, given.has('skip-phases') ? values['skip-phases'] : skipPhases);
    if (phase === undefined && !dryRun) showEnd(decoded, layout, report);
    if (files instanceof DryRunFiles) showFiles(files, layout, report);
  } finally {
    await context.close();
  }
}

const controlPlaneFlags = ['certificate-key', 'apiserver-advertise-address', 'apiserver-bind-port'] as const;

function warnOfFlags(given: ReadonlySet<string>, report: (line: string) => void): void {
  if (controlPlaneFlags.some((flag) => given.has(flag)))
    report(
      `[preflight] WARNING: --control-plane is also required when passing control-plane related flags such as [${controlPlaneFlags.join(', ')}]`,
    );
}

function showEnd({ isControlPlane }: JoinConfiguration, layout: Layout, report: (line: string) => void): void {
  report('');
  if (isControlPlane) {
    report('This machine is one of the control plane. Use the cluster from here by:');
    report(`  export KUBECONFIG=${layout.local(KUBECONFIG_FILES.admin)}`);
  } else report('This machine is a node of the cluster. See it on the control plane by: kubectl get nodes');
}

function help(named: NamedPhase<JoinContext> | undefined, io: Io): string {
  const head = named ? phaseHelp('keelson join', named) : `${summary}${phaseTree(joinPhases)}`;
  return `${head}${usage(flags, descriptions, io.columns)}`;
}

/**
 * The fields of a JoinConfiguration that flags set.
 * @param admin the administrator's kubeconfig, where it is here: by it a machine of the control plane finds the cluster again
 * @throws FlagError for what makes no sense together
 */
function settingsOf(
  values: Values,
  given: ReadonlySet<string>,
  args: readonly string[],
  admin: string | undefined,
): Setting[] {
  if (args.length > 1) throw new FlagError(`"keelson join" takes one HOST:PORT, got "${args.join(' ')}"`);
  const [endpoint] = args;
  const isAgain = values['control-plane'] && endpoint === undefined && values.config === '';
  const file = values['discovery-file'] || (isAgain && admin) || '';
  const byFile = file !== '';
  if (byFile && endpoint !== undefined) throw new FlagError('HOST:PORT and --discovery-file exclude each other');
  const set = (value: unknown, ...path: string[]): Setting => ({ kind: 'JoinConfiguration', path, value });
  const token = (...path: string[]) => ['discovery', 'bootstrapToken', ...path];
  const bootstrap = values['tls-bootstrap-token'] || values.token;
  return [
    ...(endpoint === undefined ? [] : [set(endpoint, ...token('apiServerEndpoint'))]),
    ...(byFile ? [set(resolve(file), 'discovery', 'file', 'kubeConfigPath')] : []),
    ...(!byFile && (values['discovery-token'] || values.token)
      ? [set(values['discovery-token'] || values.token, ...token('token'))]
      : []),
    ...(given.has('discovery-token-ca-cert-hash')
      ? [set(values['discovery-token-ca-cert-hash'], ...token('caCertHashes'))]
      : []),
    ...(values['discovery-token-unsafe-skip-ca-verification'] ? [set(true, ...token('unsafeSkipCAVerification'))] : []),
    ...(bootstrap === '' ? [] : [set(bootstrap, 'discovery', 'tlsBootstrapToken')]),
    ...(values['control-plane'] ? controlPlaneSettings(values, set) : []),
    ...(values.patches === '' ? [] : [set(resolve(values.patches), 'patches', 'directory')]),
    ...(values['node-name'] === '' ? [] : [set(values['node-name'], 'nodeRegistration', 'name')]),
    ...(values['cri-socket'] === '' ? [] : [set(values['cri-socket'], 'nodeRegistration', 'criSocket')]),
    ...(given.has('ignore-preflight-errors')
      ? [set(values['ignore-preflight-errors'], 'nodeRegistration', 'ignorePreflightErrors')]
      : []),
  ];
}

function controlPlaneSettings(values: Values, set: (value: unknown, ...path: string[]) => Setting): Setting[] {
  const { 'apiserver-advertise-address': advertiseAddress, 'apiserver-bind-port': bindPort } = values;
  return [
    set(values['certificate-key'], 'controlPlane', 'certificateKey'),
    set({ advertiseAddress, bindPort }, 'controlPlane', 'localAPIEndpoint'),
  ];
}
