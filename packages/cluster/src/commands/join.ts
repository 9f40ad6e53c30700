import { resolve } from 'node:path';
import { systemWorld } from '@keelson/client';
import { FlagError, type FlagTable, type FlagValues, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import { configurationOf, documentOf } from '../install/configuration/documents.ts';
import { configurationDocuments, explained, type Setting } from '../install/context.ts';
import { DiskFiles, DryRunFiles } from '../install/files.ts';
import { decodeJoin } from '../install/join/configuration.ts';
import { joinCluster } from '../install/join/steps.ts';
import { Layout } from '../install/layout.ts';
import { machineFacts } from '../install/machine.ts';
import { findProgram } from '../install/systemd/programs.ts';
import { hasSystemd, systemdServices } from '../install/systemd/services.ts';
import { outcomeOf } from './installation.ts';
import type { Io } from './io.ts';

const general = { section: 'General' } as const;
const discovery = { section: 'Discovery' } as const;

const flags = {
  config: { type: 'string', ...general },
  'cri-socket': { type: 'string', ...general },
  'dry-run': { type: 'bool', ...general },
  'ignore-preflight-errors': { type: 'strings', ...general },
  'node-name': { type: 'string', ...general },
  root: { type: 'string', ...general },
  'bin-dir': { type: 'string', ...general },
  help: { type: 'bool', shorthand: 'h', ...general },
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
  root: 'Put everything below this folder, DIR/etc/kubernetes and so on, and have what is written name it there.',
  'bin-dir': 'Where the programs are that units run. Default: beside this one, or where the PATH has them.',
  help: 'Show this help.',
  token: 'Token for both: to know the cluster by, and to be known by it.',
  'discovery-token': 'Token by which the cluster is known.',
  'discovery-token-ca-cert-hash': "Public key of the cluster's authority, sha256:HEX; may be given more than once.",
  'discovery-token-unsafe-skip-ca-verification': 'Believe whoever has the token, whatever the authority.',
  'discovery-file': 'Kubeconfig that says where the cluster is, and by which authority it is known.',
  'tls-bootstrap-token': "Token by which the kubelet asks for this machine's certificate.",
};

const summary = `Makes this machine a node of a cluster: finds the cluster and learns to trust it, writes what the kubelet reads, and
waits until the kubelet has the certificate that it asks the cluster for.

Usage:
  keelson join HOST:PORT --token TOKEN --discovery-token-ca-cert-hash HASH [flags]
  keelson join --discovery-file FILE --tls-bootstrap-token TOKEN [flags]
  keelson join --config FILE [flags]
`;

/** `keelson join`. @returns the exit code */
export function join(argv: readonly string[], io: Io): Promise<number> {
  return outcomeOf('keelson join', io, async () => {
    const { values, given, args } = parseFlags(flags, argv);
    if (values.help) io.stdout(`${summary}${usage(flags, descriptions, io.columns)}`);
    else await run(values, given, args, io);
  });
}

async function run(values: Values, given: ReadonlySet<string>, args: readonly string[], io: Io): Promise<void> {
  const settings = settingsOf(values, given, args);
  const layout = new Layout({ root: values.root, runHere: values.root !== '' });
  const world = systemWorld();
  const machine = await machineFacts();
  const configFile = values.config === '' ? undefined : resolve(values.config);
  const documents = await configurationDocuments({ configFile, settings });
  const decoded = explained(() => decodeJoin(documentOf(documents, 'JoinConfiguration'), machine));
  const dryRun = values['dry-run'] || decoded.dryRun;
  const disk = new DiskFiles(layout);
  await joinCluster({
    join: decoded,
    layout,
    files: dryRun ? new DryRunFiles(disk) : disk,
    dryRun,
    hostname: machine.hostname,
    program: findProgram(values['bin-dir'], io.env.PATH),
    services: layout.root === '' && !dryRun && hasSystemd() ? systemdServices : undefined,
    report: (line) => io.stdout(`${line}\n`),
    world,
    configurationOf: (found) => explained(() => configurationOf(found, machine)),
  });
}

/** The fields of a JoinConfiguration that flags set. @throws FlagError for what makes no sense together */
function settingsOf(values: Values, given: ReadonlySet<string>, args: readonly string[]): Setting[] {
  if (args.length > 1) throw new FlagError(`"keelson join" takes one HOST:PORT, got "${args.join(' ')}"`);
  const [endpoint] = args;
  const byFile = values['discovery-file'] !== '';
  if (byFile && endpoint !== undefined) throw new FlagError('HOST:PORT and --discovery-file exclude each other');
  const set = (value: unknown, ...path: string[]): Setting => ({ kind: 'JoinConfiguration', path, value });
  const token = (...path: string[]) => ['discovery', 'bootstrapToken', ...path];
  const bootstrap = values['tls-bootstrap-token'] || values.token;
  return [
    ...(endpoint === undefined ? [] : [set(endpoint, ...token('apiServerEndpoint'))]),
    ...(byFile ? [set(resolve(values['discovery-file']), 'discovery', 'file', 'kubeConfigPath')] : []),
    ...(!byFile && (values['discovery-token'] || values.token)
      ? [set(values['discovery-token'] || values.token, ...token('token'))]
      : []),
    ...(given.has('discovery-token-ca-cert-hash')
      ? [set(values['discovery-token-ca-cert-hash'], ...token('caCertHashes'))]
      : []),
    ...(values['discovery-token-unsafe-skip-ca-verification'] ? [set(true, ...token('unsafeSkipCAVerification'))] : []),
    ...(bootstrap === '' ? [] : [set(bootstrap, 'discovery', 'tlsBootstrapToken')]),
    ...(values['node-name'] === '' ? [] : [set(values['node-name'], 'nodeRegistration', 'name')]),
    ...(values['cri-socket'] === '' ? [] : [set(values['cri-socket'], 'nodeRegistration', 'criSocket')]),
    ...(given.has('ignore-preflight-errors')
      ? [set(values['ignore-preflight-errors'], 'nodeRegistration', 'ignorePreflightErrors')]
      : []),
  ];
}
