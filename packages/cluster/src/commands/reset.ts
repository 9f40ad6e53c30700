import { resolve } from 'node:path';
import { systemWorld } from '@keelson/client';
import { FlagError, type FlagTable, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import { installContext } from '../install/context.ts';
import { installedFiles, resetPhases } from '../install/reset.ts';
import { type Command, outcomeOf } from './command.ts';
import {
  certDirDescriptions,
  certDirFlags,
  certDirSettings,
  layoutOf,
  placeDescriptions,
  placeFlags,
} from './installation.ts';
import type { Io } from './io.ts';
import { namedPhase, phaseTree, phaseWords, runNamed } from './phases.ts';

const flags = {
  ...placeFlags,
  ...certDirFlags,
  'dry-run': { type: 'bool', section: 'General' },
  force: { type: 'bool', shorthand: 'f', section: 'General' },
  'skip-phases': { type: 'strings', section: 'General' },
} as const satisfies FlagTable;

const descriptions = {
  ...placeDescriptions,
  ...certDirDescriptions,
  'dry-run': 'Change nothing: tell what would be done.',
  force: 'Do it. Without it, what would go is shown.',
  'skip-phases': 'Phases to leave out: remove-etcd-member, cleanup-node.',
};

const head = `Undoes what init and join did to this machine: takes its member out of etcd, where that has others, ends the control plane and the kubelet, and removes the certificates, the
kubeconfigs, the manifests or units, the state of the kubelet, and the data of etcd. There is no way back.

Usage:
  keelson reset --force [flags]
  keelson reset phase NAME [flags]    one of the phases

Phases:
${phaseTree(resetPhases)}`;

export const command: Command = { flags, descriptions, words: phaseWords(resetPhases), run: reset };

/** `keelson reset`. @returns the exit code */
export function reset(argv: readonly string[], io: Io): Promise<number> {
  return outcomeOf('keelson reset', io, async () => {
    const { values, args } = parseFlags(flags, argv);
    if (values.help) return io.stdout(`${head}${usage(flags, descriptions, io.columns)}`);
    const phase = args[0] === 'phase' ? namedPhase('keelson reset', resetPhases, args.slice(1)) : undefined;
    if (args.length > 0 && !phase) throw new FlagError(`"keelson reset" takes no arguments, got "${args.join(' ')}"`);
    const world = systemWorld();
    const context = await installContext({
      layout: layoutOf(values),
      configFile: values.config === '' ? undefined : resolve(values.config),
      settings: certDirSettings(values),
      dryRun: values['dry-run'],
      world,
      report: (line) => io.stdout(`${line}\n`),
    });
    if (values.force || context.dryRun || phase) {
      await runNamed(resetPhases, phase, { ...context, world }, values['skip-phases']);
      return;
    }
    const there = await installedFiles(context);
    if (there.length === 0) return io.stdout('There is nothing to undo.\n');
    io.stdout(`These would be removed:\n${there.map((path) => `  ${context.layout.local(path)}\n`).join('')}`);
    throw new FlagError('nothing was done: give --force to have it done');
  });
}
