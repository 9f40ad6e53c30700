// Runs the generators again and fails when what they write is not what is committed. Usage: as generate.ts.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const shared = process.env.KEELSON_SHARED ?? join(root, '../shared');
if (!existsSync(join(shared, 'kubernetes-1.36'))) {
  console.log(`generated files: not checked, since ${shared} with the facts they are made from is not there`);
  process.exit(0);
}

const { stdout } = spawnSync('git', ['ls-files', '--', '*/generated/*', 'docs/flags.md'], {
  cwd: root,
  encoding: 'utf8',
});
const files = stdout.split('\n').filter((file) => file !== '');
const read = (file: string) => (existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : undefined);
const before = new Map(files.map((file) => [file, read(file)]));
const run = spawnSync(process.execPath, [join(import.meta.dirname, 'generate.ts'), '--shared', shared], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
const changed = files.filter((file) => read(file) !== before.get(file));
const untracked = spawnSync('git', ['ls-files', '--others', '--exclude-standard', '--', '*/generated/*'], {
  cwd: root,
  encoding: 'utf8',
}).stdout;
if (run.status !== 0 || changed.length > 0 || untracked !== '') {
  console.error(
    `generated files differ from what the generators write; commit them:\n${changed.join('\n')}\n${untracked}`,
  );
  process.exit(1);
}
console.log(`generated files: ${files.length} are up to date`);
