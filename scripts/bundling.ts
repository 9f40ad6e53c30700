/** How one file is made of a program, and one of each thread that it starts. */
import { join } from 'node:path';
import { type RolldownBuild, rolldown } from 'rolldown';
import { builtins } from './builtins.ts';

const root = join(import.meta.dirname, '..');
const YAML_WORKER = { 'yaml-worker': 'packages/api/dist/codec/yaml-worker.js' };

/** The threads of commands, which look for them beside their own file. */
const threads: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'kube-apiserver': YAML_WORKER,
  keelson: { ...YAML_WORKER, 'parts-worker': 'packages/cluster/dist/parts-worker.js' },
};

/** @returns what tsc built of commands and of their threads: paths by the names of their bundles */
export function entriesOf(commands: readonly string[]): Record<string, string> {
  const files = commands.flatMap((command) => [
    [command, `packages/cluster/dist/bin/${command}.js`] as const,
    ...Object.entries(threads[command] ?? {}),
  ]);
  return Object.fromEntries(files.map(([name, file]) => [name, join(root, file)]));
}

/** @param external modules that stay outside, with all that is below them */
export function bundleOf(input: Record<string, string>, external: readonly string[]): Promise<RolldownBuild> {
  return rolldown({
    cwd: root,
    input,
    platform: 'node',
    external: external.flatMap((name) => [name, new RegExp(`^${name}/`)]),
    plugins: [builtins],
  });
}
