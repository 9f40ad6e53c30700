import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManualClock } from '@keelson/api/clock';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ExecCredentials, type ExecEntry, execConfigOf } from './exec.ts';

const V1 = 'client.authentication.k8s.io/v1';
const entry: ExecEntry = { apiVersion: V1, command: './tokens', interactiveMode: 'Never' };
const cluster = { server: 'https://c:6443' };

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-exec-'));
});
afterAll(() => rm(directory, { recursive: true }));

/** @param script of a shell, which counts its calls in the file `calls` */
async function tokens(script: string, more: ExecEntry = {}): Promise<{ tokens: ExecCredentials; clock: ManualClock }> {
  const path = join(directory, 'tokens');
  await writeFile(join(directory, 'calls'), '');
  await writeFile(
    path,
    `#!/bin/sh\necho x >> ${directory}/calls\nn=$(wc -l < ${directory}/calls | tr -d ' ')\n${script}\n`,
  );
  await chmod(path, 0o755);
  const clock = new ManualClock(Date.parse('2026-01-01T00:00:00Z'));
  return { tokens: new ExecCredentials(execConfigOf({ ...entry, ...more }, 'u', directory, cluster), clock), clock };
}

const says = (status: string, apiVersion = V1) =>
  `printf '{"kind":"ExecCredential","apiVersion":"${apiVersion}","status":${status}}'`;

describe('a program that has tokens', () => {
  it('is asked once by all who come, and again when the token has ended or was refused', async () => {
    const script = `cat <<END
{"kind":"ExecCredential","apiVersion":"${V1}","status":{"token":"t$n","expirationTimestamp":"2026-01-01T0$n:00:00Z"}}
END`;
    const { tokens: one, clock } = await tokens(script);
    expect(await Promise.all([one.get(), one.get()])).toEqual(['t1', 't1']);
    clock.advance(3_599_999);
    expect(await one.get()).toBe('t1');
    clock.advance(1);
    expect(await one.get()).toBe('t2');
    one.distrust();
    expect(await one.get()).toBe('t3');
  });

  it('gets its arguments, its environment and what it may know', async () => {
    const script = `printf '%s|%s|%s' "$1" "$EXTRA" "$KUBERNETES_EXEC_INFO" > ${directory}/told\n${says('{"token":"t"}')}`;
    const more = { args: ['a b'], env: [{ name: 'EXTRA', value: 'v' }], provideClusterInfo: true };
    const { tokens: one } = await tokens(script, more);
    expect(await one.get()).toBe('t');
    const [argument, extra, info] = (await readFile(join(directory, 'told'), 'utf8')).split('|');
    expect([argument, extra]).toEqual(['a b', 'v']);
    expect(JSON.parse(info!)).toEqual({
      kind: 'ExecCredential',
      apiVersion: V1,
      spec: { cluster, interactive: false },
    });
  });

  it.each([
    ['exit 3', 'getting credentials: exec: executable .*/tokens failed with exit code 3'],
    ['echo no', 'getting credentials: decoding stdout: it is no JSON'],
    [says('null'), "getting credentials: exec plugin didn't return a status field"],
    [says('{}'), "getting credentials: exec plugin didn't return a token or cert/key pair"],
    [
      says('{"clientCertificateData":"x"}'),
      'getting credentials: exec plugin returned only certificate or key, not both',
    ],
    [says('{"token":"t","clientKeyData":"x"}'), 'exec plugin returned only certificate or key, not both'],
    [
      says('{"clientCertificateData":"x","clientKeyData":"y"}'),
      'failed parsing client key/certificate: they are no pair',
    ],
    [says('{"token":"t"}', `${V1}beta1`), `use API version ${V1}, plugin returned version ${V1}beta1`],
  ])('fails with what it says: %s', async (script, message) => {
    const { tokens: one } = await tokens(script);
    await expect(one.get()).rejects.toThrow(new RegExp(message));
  });

  it('is not there', async () => {
    const config = execConfigOf({ ...entry, command: '/none/at/all' }, 'u', directory, cluster);
    const missing = new ExecCredentials(config, new ManualClock(0));
    await expect(missing.get()).rejects.toThrow('getting credentials: exec: executable /none/at/all not found');
  });

  it.each<[ExecEntry, string]>([
    [{ command: '' }, 'command must be specified for u to use exec authentication plugin'],
    [{ apiVersion: '' }, 'apiVersion must be specified for u to use exec authentication plugin'],
    [{ apiVersion: 'v1' }, 'exec plugin: invalid apiVersion "v1"'],
    [{ interactiveMode: '' }, 'interactiveMode must be specified for u to use exec authentication plugin'],
    [{ interactiveMode: 'x' }, 'invalid interactiveMode for u: "x"'],
    [{ interactiveMode: 'Always' }, 'exec plugin cannot support interactive mode: standard input is unavailable'],
    [{ env: [{ value: 'x' }] }, 'env variable name must be specified for u to use exec authentication plugin'],
  ])('is refused where it stands: %j', (change, message) => {
    expect(() => execConfigOf({ ...entry, ...change }, 'u', '/', cluster)).toThrow(message);
  });
});
