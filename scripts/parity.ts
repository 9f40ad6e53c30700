// Replays the recorded scenarios of kube-apiserver against an API server made for it, and prints how many agree.
// Usage: npm run parity -- [--storage memory|lmdb|etcd] [--show N] [--only SUBSTRING] [--jobs N] [--json FILE] [AREA...]
// Areas are the names of the files with cases: crud, patch, … Without any: all. KEELSON_SHARED names the folder of facts.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Storage, startApiServer } from '../test/support/api-server.ts';

const shared = process.env.KEELSON_SHARED ?? join(import.meta.dirname, '../../shared');
const cases = join(shared, 'parity/cases');
if (!existsSync(cases)) {
  console.error(`no scenarios in ${cases}: set KEELSON_SHARED to the folder of facts`);
  process.exit(1);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    storage: { type: 'string', default: 'memory' },
    show: { type: 'string' },
    only: { type: 'string' },
    jobs: { type: 'string' },
    json: { type: 'string' },
  },
});
const { storage, ...options } = values;
const files = positionals.length === 0 ? [cases] : positionals.map((area) => join(cases, `${area}.json`));

// As the recorded server was started: some answers show its user.
const directory = mkdtempSync(join(tmpdir(), 'keelson-parity-'));
const token = 'admintoken';
const tokens = join(directory, 'tokens.csv');
writeFileSync(tokens, `${token},admin,admin,system:masters\n`);
const server = await startApiServer(storage as Storage, [
  '--allow-privileged=true',
  '--enable-admission-plugins=NodeRestriction',
  `--token-auth-file=${tokens}`,
]);
const flags = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
const replay = [join(shared, 'parity/replay.mjs'), '--base', server.url, '--token', token, ...flags, ...files];
const { status } = spawnSync(process.execPath, replay, { stdio: 'inherit' });
await server.stop();
rmSync(directory, { recursive: true });
process.exitCode = status ?? 1;
