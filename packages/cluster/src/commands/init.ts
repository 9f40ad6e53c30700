import { resolve } from 'node:path';
import { systemWorld } from '@keelson/client';
import { FlagError, type FlagTable, type FlagValues, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import { installContext } from '../install/context.ts';
import { DryRunFiles } from '../install/files.ts';
import type { InstallContext } from '../install/phase.ts';
import { initPhases } from '../install/phases/init.ts';
import {
  contradictions,
  settingDescriptions,
  settingFlags,
  settingsOf,
  tokenDescriptions,
  tokenFlags,
  tokenSettings,
} from '../install/settings.ts';
import { type Command, outcomeOf } from './command.ts';
import { layoutOf, placeDescriptions, placeFlags, showFiles } from './installation.ts';
import type { Io } from './io.ts';
import { type NamedPhase, namedPhase, phaseHelp, phaseTree, phaseWords, runNamed } from './phases.ts';

const general = { section: 'General' } as const;

const flags = {
  ...placeFlags,
  'bin-dir': { type: 'string', ...general },
  'dry-run': { type: 'bool', ...general },
  'skip-phases': { type: 'strings', ...general },
  'skip-certificate-key-print': { type: 'bool', ...general },
  'skip-token-print': { type: 'bool', ...general },
  systemd: { type: 'bool', ...general },
  'upload-certs': { type: 'bool', ...general },
  ...settingFlags,
  ...tokenFlags,
} as const satisfies FlagTable;

const descriptions = {
  ...placeDescriptions,
  ...settingDescriptions,
  ...tokenDescriptions,
  'bin-dir': 'Where the programs are that units run. Default: beside this one, or where the PATH has them.',
  'dry-run': 'Change nothing: tell what would be done, and show the files that hold no secrets.',
  'skip-phases': 'Phases to leave out, such as etcd or certs/ca.',
  'skip-certificate-key-print': 'Do not show the key by which the authorities are kept in the cluster.',
  'skip-token-print': 'Do not show the bootstrap token.',
  systemd: 'Have systemd run the control plane, in place of static pods.',
  'upload-certs': 'Keep the authorities in the cluster for two hours, for machines that join its control plane.',
};

export const command: Command = { flags, descriptions, words: phaseWords(initPhases), run: init };

/** `keelson init`. @returns the exit code */
export function init(argv: readonly string[], io: Io): Promise<number> {
  return outcomeOf('keelson init', io, async () => {
    const { values, given, args } = parseFlags(flags, argv);
    const phase = phaseOf(args);
    if (values.help || (args[0] === 'phase' && phase === undefined)) io.stdout(help(phase, io));
    else await run(values, given, phase, io);
  });
}

type Values = FlagValues<typeof flags>;

async function run(
  values: Values,
  given: ReadonlySet<string>,
  phase: NamedPhase<InstallContext> | undefined,
  io: Io,
): Promise<void> {
  const contradicting = values.config === '' ? [] : contradictions(given);
  if (contradicting.length > 0)
    throw new FlagError(`--config says what --${contradicting[0]} would: set it in the file`);
  const report = (line: string) => io.stdout(`${line}\n`);
  const context = await installContext({
    layout: layoutOf(values),
    configFile: values.config === '' ? undefined : resolve(values.config),
    settings: [...settingsOf(values, given), ...tokenSettings(values, given)],
    dryRun: values['dry-run'],
    systemd: values.systemd,
    programs: values['bin-dir'],
    path: io.env.PATH,
    skipTokenPrint: values['skip-token-print'],
    uploadCerts: values['upload-certs'],
    skipCertificateKeyPrint: values['skip-certificate-key-print'],
    world: systemWorld(),
    report,
  });
  const skip = given.has('skip-phases') ? values['skip-phases'] : context.configuration.init.skipPhases;
  try {
    await runNamed(initPhases, phase, context, skip);
    if (context.files instanceof DryRunFiles) showFiles(context.files, context.layout, report);
  } finally {
    await context.close();
  }
}

/** The phase that `phase certs ca` names; undefined for all. @throws FlagError */
function phaseOf(args: readonly string[]): NamedPhase<InstallContext> | undefined {
  const [word, ...words] = args;
  if (word === undefined) return undefined;
  if (word !== 'phase') throw new FlagError(`"keelson init" takes "phase NAME" alone, got "${args.join(' ')}"`);
  return namedPhase('keelson init', initPhases, words);
}

function help(named: NamedPhase<InstallContext> | undefined, io: Io): string {
  if (named) return `${phaseHelp('keelson init', named)}${usage(flags, descriptions, io.columns)}`;
  return `Installs a control plane on this machine: its certificates, its kubeconfigs, and what runs it. The files are where
kubeadm has them, and a kubeadm configuration says what is to differ. What is there already and does is kept.

Usage:
  keelson init [flags]               all phases, in order
  keelson init phase NAME… [flags]   one of them, with those that it consists of

Phases:
${phaseTree(initPhases)}${usage(flags, descriptions, io.columns)}`;
}
