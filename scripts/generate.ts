// Runs every scripts/generate-*.ts, one after the other. Usage: generate.ts [--shared DIR], or KEELSON_SHARED=DIR.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const shared = process.env.KEELSON_SHARED;
const options = process.argv.length === 2 && shared !== undefined ? ['--shared', shared] : process.argv.slice(2);
const scripts = readdirSync(import.meta.dirname).filter((name) => /^generate-.*\.ts$/.test(name));
for (const script of scripts.sort()) {
  const args = ['--conditions=keelson-source', join(import.meta.dirname, script), ...options];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`scripts/${script} failed`);
    process.exit(1);
  }
}
