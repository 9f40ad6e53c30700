import { resolve } from 'node:path';
import { systemWorld } from '@keelson/client';
import { FlagError, type FlagTable, type FlagValues, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import { KUBERNETES_VERSION } from '@keelson/component/version';
import { documentOf } from '../install/configuration/documents.ts';
import { configurationDocuments, explained, type Setting } from '../install/context.ts';
import { DryRunFiles } from '../install/files.ts';
import { decodeUpgrade, type UpgradeConfiguration } from '../install/upgrade/configuration.ts';
import { type UpgradeContext, upgradeContext } from '../install/upgrade/context.ts';
import { upgradeApplyPhases, upgradeNodePhases } from '../install/upgrade/phases.ts';
import { upgradePlan } from '../install/upgrade/plan.ts';
import { versionProblem } from '../install/upgrade/version.ts';
import { StartupError } from '../startup-error.ts';
import { type Command, outcomeOf } from './command.ts';
import { showFiles } from './installation.ts';
import type { Io } from './io.ts';
import { type NamedPhase, namedPhase, phaseHelp, phaseTree, phaseWords, runNamed } from './phases.ts';
import { table } from './table.ts';

const general = { section: 'General' } as const;

const flags = {
  config: { type: 'string', ...general },
  'bin-dir': { type: 'string', ...general },
  'certificate-renewal': { type: 'bool', ...general, default: 'true' },
  'dry-run': { type: 'bool', ...general },
  'etcd-upgrade': { type: 'bool', ...general, default: 'true' },
  help: { type: 'bool', shorthand: 'h', ...general },
  'ignore-preflight-errors': { type: 'strings', ...general },
  patches: { type: 'string', ...general },
  root: { type: 'string', ...general },
  'skip-phases': { type: 'strings', ...general },
} as const satisfies FlagTable;

type Values = FlagValues<typeof flags>;

const descriptions: Readonly<Record<keyof typeof flags, string>> = {
  config: 'File with an UpgradeConfiguration of kubeadm.k8s.io/v1beta4.',
  'bin-dir': 'Where the programs are that units run. Default: beside this one, or where the PATH has them.',
  'certificate-renewal': 'Renew the certificates of what is started anew.',
  'dry-run': 'Change nothing: tell what would be done, and show the files that hold no secrets.',
  'etcd-upgrade': 'Have etcd run as the configuration says, too.',
  help: 'Show this help.',
  'ignore-preflight-errors':
    'Checks whose findings do not matter, such as ControlPlaneNodesReady; all: none of them does.',
  patches: 'Folder of patches of what is written: files such as kube-apiserver0+merge.yaml.',
  root: 'Folder below which everything is, as init and join were told.',
  'skip-phases': 'Phases to leave out, such as addon/coredns.',
};

const RELEASE = KUBERNETES_VERSION.gitVersion.replace(/[-+].*$/, '');

const head = `Brings what is installed on this machine to this release, and to the configuration that the cluster keeps
(kube-system/kubeadm-config and kubelet-config). A part that does not come up is put back as it was.

Usage:
  keelson upgrade plan [VERSION] [flags]       show what would become of what
  keelson upgrade apply [VERSION] [flags]      on the first machine of the control plane
  keelson upgrade node [flags]                 on each of the others, those without a control plane last
  keelson upgrade apply|node phase NAME… [flags]
`;

const verbs = {
  apply: { phases: upgradeApplyPhases, command: 'keelson upgrade apply' },
  node: { phases: upgradeNodePhases, command: 'keelson upgrade node' },
} as const;
type Verb = keyof typeof verbs;

export const command: Command = {
  flags,
  descriptions,
  words: [
    { name: 'plan', summary: 'Show what would become of what.' },
    { name: 'apply', summary: 'On the first machine of the control plane.', words: phaseWords(upgradeApplyPhases) },
    { name: 'node', summary: 'On each of the others.', words: phaseWords(upgradeNodePhases) },
  ],
  run: upgrade,
};

/** `keelson upgrade` (kubeadm/app/cmd/upgrade). @returns the exit code */
export function upgrade(argv: readonly string[], io: Io): Promise<number> {
  return outcomeOf('keelson upgrade', io, async () => {
    const { values, given, args } = parseFlags(flags, argv);
    const [verb, ...words] = args;
    if (verb === undefined) return io.stdout(`${head}${usage(flags, descriptions, io.columns)}`);
    if (verb === 'plan' && words.length <= 1 && !values.help)
      return showPlan(values, await configurationFrom(values, given, 'apply', words[0]), io);
    if (verb !== 'apply' && verb !== 'node')
      throw new FlagError(`"keelson upgrade" knows plan, apply and node, not "${args.join(' ')}"`);
    const { phases, command } = verbs[verb];
    const phase = words[0] === 'phase' ? namedPhase(command, phases, words.slice(1)) : undefined;
    if (values.help || (words[0] === 'phase' && phase === undefined)) return io.stdout(help(verb, phase, io));
    if (!phase && words.length > (verb === 'apply' ? 1 : 0))
      throw new FlagError(
        `"${command}" takes ${verb === 'apply' ? 'one VERSION' : 'no arguments'}, got "${words.join(' ')}"`,
      );
    await run(values, await configurationFrom(values, given, verb, phase ? undefined : words[0]), verb, phase, io);
  });
}

/** What the file says, and in its place the flags. */
async function configurationFrom(
  values: Values,
  given: ReadonlySet<string>,
  verb: Verb,
  version: string | undefined,
): Promise<UpgradeConfiguration> {
  const set = (value: unknown, ...path: string[]): Setting => ({
    kind: 'UpgradeConfiguration',
    path: [verb, ...path],
    value,
  });
  const fields = {
    'certificate-renewal': ['certificateRenewal'],
    'dry-run': ['dryRun'],
    'etcd-upgrade': ['etcdUpgrade'],
    'ignore-preflight-errors': ['ignorePreflightErrors'],
    'skip-phases': ['skipPhases'],
  } as const;
  const settings = (Object.keys(fields) as (keyof typeof fields)[])
    .filter((flag) => given.has(flag))
    .map((flag) => set(values[flag], ...fields[flag]));
  const documents = await configurationDocuments({
    configFile: values.config === '' ? undefined : resolve(values.config),
    settings: [
      ...settings,
      ...(given.has('patches') ? [set(resolve(values.patches), 'patches', 'directory')] : []),
      ...(version === undefined ? [] : [set(version, 'kubernetesVersion')]),
    ],
  });
  const decode = () => decodeUpgrade(documentOf(documents, 'UpgradeConfiguration'), verb);
  return explained(decode, values.config || undefined);
}

async function showPlan(values: Values, configuration: UpgradeConfiguration, io: Io): Promise<void> {
  const context = await contextOf(values, configuration, 'apply', io);
  try {
    const rows = await upgradePlan(await context.api(), context);
    io.stdout(`The configuration of the cluster is of ${context.clusterVersion}, this release is ${RELEASE}.\n\n`);
    io.stdout(
      table([
        ['COMPONENT', 'NODE', 'CURRENT', 'TARGET'],
        ...rows.map(({ component, node, current, target }) => [component, node, current, target]),
      ]),
    );
    io.stdout('\nKubelets are brought along with their programs. The rest: keelson upgrade apply\n');
  } finally {
    await context.close();
  }
}

/** For apply, that of a version that the cluster can be brought to. */
async function contextOf(values: Values, configuration: UpgradeConfiguration, verb: Verb, io: Io) {
  const version = verb === 'apply' ? `v${(configuration.kubernetesVersion || RELEASE).replace(/^v/, '')}` : undefined;
  const context = await upgradeContext({
    root: values.root,
    upgrade: configuration,
    programs: values['bin-dir'],
    path: io.env.PATH,
    version,
    world: systemWorld(),
    report: (line) => io.stdout(`${line}\n`),
  });
  try {
    if (version !== undefined) expectVersion(context, version);
    return context;
  } catch (error) {
    await context.close();
    throw error;
  }
}

async function run(
  values: Values,
  configuration: UpgradeConfiguration,
  verb: Verb,
  phase: NamedPhase<UpgradeContext> | undefined,
  io: Io,
): Promise<void> {
  const report = (line: string) => io.stdout(`${line}\n`);
  const context = await contextOf(values, configuration, verb, io);
  try {
    await runNamed(verbs[verb].phases, phase, context, configuration.skipPhases);
    if (context.files instanceof DryRunFiles) return showFiles(context.files, context.layout, report);
    report('');
    report(
      `This machine runs what the configuration of the cluster says, at ${context.configuration.cluster.kubernetesVersion}.`,
    );
    if (verb === 'apply') report("Run 'keelson upgrade node' on each of the others.");
  } finally {
    await context.close();
  }
}

function expectVersion({ clusterVersion, isControlPlane }: UpgradeContext, version: string): void {
  if (!isControlPlane)
    throw new StartupError(
      'this machine is none of the control plane',
      "run 'keelson upgrade node' here, when that is done",
    );
  const problem = versionProblem(clusterVersion, version, RELEASE);
  if (problem !== undefined)
    throw new StartupError(problem, `name a version that this release has, such as ${RELEASE}`);
}

function help(verb: Verb, named: NamedPhase<UpgradeContext> | undefined, io: Io): string {
  const { phases, command } = verbs[verb];
  const text = named ? phaseHelp(command, named) : `${head}\nPhases:\n${phaseTree(phases)}`;
  return `${text}${usage(flags, descriptions, io.columns)}`;
}
