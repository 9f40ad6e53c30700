import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemdLogind } from './logind.ts';

/** As systemd 252 says it. */
const SIGNAL = (value: string) =>
  `{"type":"signal","path":"/org/freedesktop/login1","interface":"org.freedesktop.login1.Manager","member":"PrepareForShutdown","payload":{"type":"b","data":[${value}]}}`;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-logind-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** @param programs that stand in for systemd's, by name: what the shell runs */
async function logindWith(programs: Record<string, string>) {
  for (const [name, script] of Object.entries(programs)) {
    const noted = `for word in "$@"; do printf '%s\\n' "$word"; done > ${directory}/${name}.args`;
    await writeFile(join(directory, name), `#!/bin/sh\n${noted}\n${script}\n`, { mode: 0o755 });
  }
  const env = { ...process.env, PATH: `${directory}:${process.env.PATH}` };
  const logind = systemdLogind({ configuration: join(directory, 'logind.conf.d'), env });
  const args = async (name: string) => (await readFile(join(directory, `${name}.args`), 'utf8')).trim().split('\n');
  return { logind, args };
}

describe('systemdLogind', () => {
  it('reads for how long it waits', async () => {
    const { logind, args } = await logindWith({ busctl: `echo '{"type":"t","data":5000000}'` });
    expect(await logind.delayMs()).toBe(5_000);
    expect((await args('busctl')).slice(2)).toEqual([
      'get-property',
      'org.freedesktop.login1',
      '/org/freedesktop/login1',
      'org.freedesktop.login1.Manager',
      'InhibitDelayMaxUSec',
    ]);
  });

  it('says why it does not answer', async () => {
    const { logind } = await logindWith({ busctl: 'echo "Failed to connect to bus" >&2; exit 1' });
    await expect(logind.delayMs()).rejects.toThrow('Failed to connect to bus');
    await expect(logind.watch(() => {})).rejects.toThrow('Failed to connect to bus');
  });

  it('writes how long it is to wait, and has it read that', async () => {
    const { logind, args } = await logindWith({ busctl: '' });
    await logind.setDelay(30_000);
    expect(await readFile(join(directory, 'logind.conf.d/99-kubelet.conf'), 'utf8')).toContain(
      '[Login]\nInhibitDelayMaxSec=30\n',
    );
    expect((await args('busctl')).slice(-5)).toEqual(['KillUnit', 'ssi', 'systemd-logind.service', 'all', '1']);
  });

  it('holds a lock until it is released', async () => {
    // As the real one does: options, then a command that it runs.
    const inhibit = `shift 4; touch ${directory}/held; "$@"; rm ${directory}/held`;
    const { logind, args } = await logindWith({ 'systemd-inhibit': inhibit });
    const lock = await logind.lock();
    await expect(readFile(join(directory, 'held'))).resolves.toBeDefined();
    expect((await args('systemd-inhibit')).slice(0, 4)).toEqual([
      '--what=shutdown',
      '--who=kubelet',
      '--why=Kubelet needs time to handle node shutdown',
      '--mode=delay',
    ]);
    lock.release();
    await vi.waitFor(() => expect(readFile(join(directory, 'held'))).rejects.toThrow('ENOENT'), 30_000);
  });

  it('says why there is no lock', async () => {
    const { logind } = await logindWith({ 'systemd-inhibit': 'echo "Failed to inhibit: Access denied" >&2; exit 1' });
    await expect(logind.lock()).rejects.toThrow('Failed to inhibit: Access denied');
  });

  it('sees what is announced, and when it does not see any more', async () => {
    const monitor = `echo 'Monitoring bus message stream.' >&2; echo '${SIGNAL('true')}'; echo '{}'; echo '${SIGNAL('false')}'`;
    const { logind, args } = await logindWith({ busctl: monitor });
    const seen: boolean[] = [];
    const watch = await logind.watch((isShuttingDown) => void seen.push(isShuttingDown));
    await watch.ended;
    await vi.waitFor(() => expect(seen).toEqual([true, false]));
    expect((await args('busctl'))[2]).toContain("sender='org.freedesktop.login1'");
  });
});
