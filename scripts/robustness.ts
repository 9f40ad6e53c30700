// Runs the robustness tests at length and prints what became of what was asked for: a row for each fault.
// Usage: npm run robustness [-- TEST FILE…]; KEELSON_KILLS says how often to kill, 100 by default; a few is the short form.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from '../test/robustness/table.ts';

const root = join(import.meta.dirname, '..');
const directory = mkdtempSync(join(tmpdir(), 'keelson-robustness-'));
const file = join(directory, 'rows');
const files = process.argv.length > 2 ? process.argv.slice(2) : ['test/robustness'];
const vitest = spawnSync(join(root, 'node_modules/.bin/vitest'), ['run', ...files], {
  cwd: root,
  stdio: 'inherit',
  env: { KEELSON_KILLS: '100', ...process.env, KEELSON_ROBUSTNESS_TABLE: file },
});
const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
rmSync(directory, { recursive: true });

const rows = lines
  .map((line) => JSON.parse(line) as Row)
  .map(({ fault, load, acknowledged, lost, recoveredMs }) => [
    fault,
    load,
    acknowledged === 0 ? '–' : String(acknowledged),
    String(lost),
    recoveredMs === undefined ? '–' : `${(recoveredMs / 1000).toFixed(1)} s`,
  ]);
const table = [['fault', 'load held', 'acknowledged writes', 'lost', 'recovered in'], ...rows];
const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
const isNumber = (column: number) => column > 1;
console.log();
for (const row of table)
  console.log(row.map((cell, i) => (isNumber(i) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  '));
process.exitCode = vitest.status ?? 1;
