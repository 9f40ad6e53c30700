import { resolve } from 'node:path';
import { systemWorld } from '@keelson/client';
import { FlagError, type FlagTable, type FlagValues, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import { installContext } from '../install/context.ts';
import { DryRunFiles } from '../install/files.ts';
import type { Layout } from '../install/layout.ts';
import { findPhase, type Phase, phaseNames, runPhases } from '../install/phase.ts';
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
import { layoutOf, outcomeOf, placeDescriptions, placeFlags } from './installation.ts';
import type { Io } from './io.ts';

const general = { section: 'General' } as const;

const flags = {
  ...placeFlags,
  'bin-dir': { type: 'string', ...general },
  'dry-run': { type: 'bool', ...general },
  'skip-phases': { type: 'strings', ...general },
  'skip-token-print': { type: 'bool', ...general },
  systemd: { type: 'bool', ...general },
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
  'skip-token-print': 'Do not show the bootstrap token.',
  systemd: 'Have systemd run the control plane, in place of static pods.',
};

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

async function run(values: Values, given: ReadonlySet<string>, phase: NamedPhase | undefined, io: Io): Promise<void> {
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
    world: systemWorld(),
    report,
  });
  const skip = given.has('skip-phases') ? values['skip-phases'] : context.configuration.init.skipPhases;
  const names = new Set(phaseNames(initPhases));
  const unknown = skip.find((name) => !names.has(name));
  if (unknown !== undefined) throw new FlagError(`--skip-phases: there is no phase "${unknown}"`);
  try {
    if (phase) await runPhases([phase.phase], context, new Set(skip), phase.prefix);
    else await runPhases(initPhases, context, new Set(skip));
    if (context.files instanceof DryRunFiles) showFiles(context.files, context.layout, report);
  } finally {
    await context.close();
  }
}

/** What would have been written; keys and what holds them, by their names alone. */
function showFiles({ written }: DryRunFiles, layout: Layout, report: (line: string) => void): void {
  const isPem = (path: string) => /\.(key|crt|pub|conf)$/.test(path);
  report('\nNothing was changed. These files would be written:');
  for (const path of [...written.keys()].filter(isPem)) report(`  ${layout.local(path)}`);
  for (const [path, text] of written)
    if (!isPem(path)) report(`\n${layout.local(path)}\n${text.trimEnd().replaceAll(/^(?=.)/gm, '  ')}`);
}

interface NamedPhase {
  readonly phase: Phase;
  /** Of those that it is part of: `certs/`. */
  readonly prefix: string;
}

/** The phase that `phase certs ca` names; undefined for all. @throws FlagError */
function phaseOf(args: readonly string[]): NamedPhase | undefined {
  const [word, ...words] = args;
  if (word === undefined) return undefined;
  if (word !== 'phase') throw new FlagError(`"keelson init" takes "phase NAME" alone, got "${args.join(' ')}"`);
  const { found, unknown } = findPhase(initPhases, words);
  if (unknown !== undefined)
    throw new FlagError(`there is no phase "${words.join(' ')}": see 'keelson init phase --help'`);
  return found && { phase: found.phase, prefix: found.parents.map(({ name }) => `${name}/`).join('') };
}

function help(named: NamedPhase | undefined, io: Io): string {
  if (named === undefined)
    return `Installs a control plane on this machine: its certificates, its kubeconfigs, and what runs it. The files are where
kubeadm has them, and a kubeadm configuration says what is to differ. What is there already and does is kept.

Usage:
  keelson init [flags]               all phases, in order
  keelson init phase NAME… [flags]   one of them, with those that it consists of

Phases:
${tree(initPhases)}${usage(flags, descriptions, io.columns)}`;
  const { phase, prefix } = named;
  const path = `${prefix}${phase.name}`.replaceAll('/', ' ');
  const parts = phase.phases ? `\nPhases:\n${tree(phase.phases)}` : '';
  return `${phase.description ?? `${phase.summary}.`}\n\nUsage:\n  keelson init phase ${path} [flags]\n${parts}${usage(flags, descriptions, io.columns)}`;
}

function tree(phases: readonly Phase[]): string {
  const rows = [...rowsOf(phases, '  ')];
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  return `${rows.map(([name, summary]) => `${name.padEnd(width)}${summary}`).join('\n')}\n`;
}

function* rowsOf(phases: readonly Phase[], indent: string): Generator<readonly [string, string]> {
  for (const { name, summary, phases: inner = [] } of phases) {
    yield [`${indent}${name}`, summary];
    yield* rowsOf(inner, `${indent}  `);
  }
}
