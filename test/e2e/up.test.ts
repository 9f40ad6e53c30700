import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startEtcd } from '../support/etcd.ts';
import { kubectl } from '../support/kubectl.ts';
import { freePort, type Program, type ProgramOptions, startProgram, untilReady } from '../support/process.ts';
import { missing } from '../support/tools.ts';

const bin = join(import.meta.dirname, '../../bin');

let root: string;
let programs: Program[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'keelson-up-'));
  programs = [];
});
afterEach(async () => {
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
  await rm(root, { recursive: true });
});

function run(command: string, args: readonly string[], options?: ProgramOptions): Program {
  const program = startProgram(command, args, options);
  programs.push(program);
  return program;
}

/** Starts `keelson up` on a data directory and waits for its ready line. */
async function up(directory: string, ...args: string[]): Promise<{ program: Program; port: number; line: string }> {
  const port = await freePort();
  const program = run(join(bin, 'keelson'), ['up', '--data-dir', directory, `--secure-port=${port}`, ...args]);
  await untilReady(program, async () => program.output().includes('ready'));
  return { program, port, line: program.output() };
}

/** Starts `keelson up` that must fail. @returns what it said */
async function failingUp(...args: string[]): Promise<string> {
  const program = run(join(bin, 'keelson'), ['up', ...args]);
  expect(await program.exited).toBe(1);
  return program.output();
}

describe('keelson up', () => {
  test('says where it is, how long it took and what to type next, in one line', async () => {
    const data = join(root, 'data');
    const { line, port } = await up(data);
    expect(line).toMatch(
      new RegExp(
        `^Keelson is ready at https://127\\.0\\.0\\.1:${port} after \\d+ ms with a node on no runtime \\(simulated\\)\\. Next: export KUBECONFIG=${data}/kubeconfig; kubectl get ns\n$`,
      ),
    );
    expect((await stat(join(data, 'kubeconfig'))).mode & 0o777).toBe(0o600);
    expect((await stat(data)).mode & 0o777).toBe(0o700);
  });

  test.skipIf(missing('kubectl'))('finds everything again at the second start', async () => {
    const data = join(root, 'data');
    const first = await up(data);
    const k = kubectl(join(data, 'kubeconfig'));
    await k`create namespace kept`;
    const uid = await k`get namespace kept -o jsonpath={.metadata.uid}`;
    const ca = await readFile(join(data, 'pki/ca.crt'), 'utf8');
    expect(await first.program.stop('SIGTERM')).toBe(0);
    await up(data);
    expect(await k`get namespace kept -o jsonpath={.metadata.uid}`).toBe(uid);
    expect(await k`auth whoami -o jsonpath={.status.userInfo.username}`).toBe('kubernetes-admin');
    expect(await readFile(join(data, 'pki/ca.crt'), 'utf8')).toBe(ca);
  });

  test.skipIf(missing('kubectl'))('what was acknowledged survives a kill', async () => {
    const data = join(root, 'data');
    const first = await up(data);
    const k = kubectl(join(data, 'kubeconfig'));
    await k`create namespace kept`;
    await first.program.stop('SIGKILL');
    await up(data);
    expect(await k`get namespace kept -o name`).toBe('namespace/kept\n');
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it cleanly', async (signal) => {
    const { program, line } = await up(join(root, 'data'));
    expect(await program.stop(signal)).toBe(0);
    // Where the machine is slow that is said.
    expect(program.output().replace(/^Ending: .*\n/m, '')).toBe(line);
  });

  test('ps shows what is in effect', async () => {
    const data = join(root, 'data');
    const { program, port } = await up(data);
    const shown = execFileSync('ps', ['-o', 'args=', '-p', String(program.pid)], { encoding: 'utf8' }).trim();
    expect(shown).toBe(`keelson up --data-dir=${data} --storage=lmdb --bind-address=127.0.0.1 --secure-port=${port}`);
  });

  test('--kubeconfig: what else is in the file stays', async () => {
    const file = join(root, 'config');
    await writeFile(file, 'contexts: [{name: other, context: {}}]\ncurrent-context: other\n');
    const { line } = await up(join(root, 'data'), '--kubeconfig', file);
    expect(line).toContain(`export KUBECONFIG=${file}; kubectl --context keelson get ns`);
    expect(await readFile(file, 'utf8')).toMatch(/^current-context: other$/m);
  });

  test('--secure-port=0: a free port, which the ready line and the kubeconfig name', async () => {
    const data = join(root, 'data');
    const args = ['up', '--data-dir', data, '--secure-port=0', '--storage=memory', '--no-node'];
    const program = run(join(bin, 'keelson'), args);
    await untilReady(program, async () => program.output().includes('ready'));
    const url = /ready at (https:\/\/127\.0\.0\.1:[1-9]\d*) /.exec(program.output())![1]!;
    expect(await readFile(join(data, 'kubeconfig'), 'utf8')).toContain(`server: ${url}\n`);
  });

  test('an authority without its key that has to sign is named, with what to do', async () => {
    const data = join(root, 'data');
    const first = await up(data);
    await first.program.stop('SIGTERM');
    await rm(join(data, 'pki/ca.key'));
    await rm(join(data, 'pki/admin.crt'));
    expect(await failingUp('--data-dir', data, '--secure-port=0')).toBe(
      `Error: ${data}/pki/admin.crt must be made anew, but ${data}/pki/ca.key, which has to sign it, is missing\n` +
        `       restore that key, or remove ${data}/pki to start with a new authority.\n`,
    );
  });

  test('a damaged store is named', async () => {
    const data = join(root, 'data');
    const first = await up(data);
    await first.program.stop('SIGTERM');
    await truncate(join(data, 'db/keelson.mdb'), 20_000);
    const said = await failingUp('--data-dir', data, '--secure-port=0');
    expect(said).toContain(`${data}/db/keelson.mdb has been cut off at 20000 bytes; restore it from a copy`);
  });

  test.skipIf(missing('kubectl') ?? missing('etcd'))(
    'moves from its own store to etcd',
    { timeout: 60_000 },
    async () => {
      const data = join(root, 'data');
      const first = await up(data, '--no-node');
      const k = kubectl(join(data, 'kubeconfig'));
      await k`create namespace kept`;
      const uid = await k`get namespace kept -o jsonpath={.metadata.uid}`;
      const etcd = await startEtcd();
      try {
        const copy = () => run(join(bin, 'keelson'), ['copy-store', '--data-dir', data, `--etcd-servers=${etcd.url}`]);
        const early = copy();
        expect(await early.exited).toBe(1);
        expect(early.output()).toContain(`process ${first.program.pid} is using it`);
        await first.program.stop('SIGTERM');
        const copied = copy();
        expect([await copied.exited, copied.output()]).toEqual([
          0,
          expect.stringMatching(new RegExp(`^\\d+ keys copied from ${data}/db to ${etcd.url}\n$`)),
        ]);
        const again = copy();
        expect(await again.exited).toBe(1);
        expect(again.output()).toMatch(/^Error: etcd is not empty: \d+ keys are there already\n/);
        const second = await up(data, '--no-node', `--etcd-servers=${etcd.url}`);
        expect(await k`get namespace kept -o jsonpath={.metadata.uid}`).toBe(uid);
        await k`create configmap -n kept after`;
        await second.program.stop('SIGTERM');
      } finally {
        await etcd.stop();
      }
    },
  );

  test('a port in use is named, with what to do', async () => {
    const port = await freePort();
    const other = createServer().listen(port, '127.0.0.1');
    expect(await failingUp('--data-dir', join(root, 'data'), `--secure-port=${port}`)).toBe(
      `Error: port ${port} of 127.0.0.1 is in use by another process\n       stop that process, or choose another --secure-port.\n`,
    );
    other.close();
  });

  test('a data directory in use is named, with its process', async () => {
    const data = join(root, 'data');
    const { program } = await up(data);
    const said = await failingUp('--data-dir', data, `--secure-port=${await freePort()}`);
    expect(said).toContain(`process ${program.pid} is using it`);
    expect(said.split('\n')).toHaveLength(3);
  });

  test('a data directory that cannot be one is named', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    expect(await failingUp('--data-dir', file)).toBe(
      `Error: cannot use the data directory ${file}: it is a file\n       choose another with --data-dir.\n`,
    );
  });

  test('a container runtime that is named and does not answer is an error', async () => {
    const args = ['--data-dir', join(root, 'data'), '--secure-port=0', '--storage=memory'];
    const socket = join(root, 'containerd.sock');
    const remedy = 'or run pods without containers by --container-runtime-endpoint=simulated.';
    const missing = await failingUp(...args, `--container-runtime-endpoint=unix://${socket}`);
    expect(missing).toMatch(`Error: no container runtime at unix://${socket}: there is no such socket\n`);
    expect(missing).toContain(remedy);
    // Somebody who listens there and knows no CRI.
    const other = createServer((client) => client.destroy()).listen(socket);
    const silent = await failingUp(...args, `--container-runtime-endpoint=unix://${socket}`);
    expect(silent).toMatch(`Error: no container runtime at unix://${socket}: `);
    expect(silent).toContain(remedy);
    other.close();
    const { line } = await up(join(root, 'data'), '--storage=memory', '--container-runtime-endpoint=simulated');
    expect(line).toContain('with a node on no runtime (simulated)');
  });

  test('a folder where none can be made is named for the kubeconfig, too', async () => {
    const args = ['--data-dir', join(root, 'data'), '--secure-port=0', '--storage=memory', '--no-node'];
    expect(await failingUp(...args, '--kubeconfig=/proc/keelson/config')).toMatch(
      /^Error: cannot write the kubeconfig \/proc\/keelson\/config: (nothing can be made there|permission denied)\n/,
    );
  });

  test('an etcd that does not answer is named', async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    const said = await failingUp(
      '--data-dir',
      join(root, 'data'),
      `--etcd-servers=${url}`,
      `--secure-port=${await freePort()}`,
    );
    expect(said).toContain(`Error: no answer from etcd at ${url}: connect ECONNREFUSED`);
    expect(said).toContain('start it, or correct --etcd-servers');
  });

  test.each([
    [['--nope'], "Error: unknown flag: --nope\nRun 'keelson up --help' for usage.\n"],
    [['x'], 'Error: "keelson up" does not take any arguments, got "x"\nRun \'keelson up --help\' for usage.\n'],
    [['--nodse=3'], "Error: unknown flag: --nodse\nDid you mean --nodes?\nRun 'keelson up --help' for usage.\n"],
    [
      ['--feature-gates=Zero=1'],
      'Error: --feature-gates: unrecognized feature gate: Zero\n       write NAME=true or NAME=false, separated by commas; docs/feature-gates.md has the names.\n',
    ],
    [
      ['--feature-gates=HPAScaleToZeroo=true'],
      'Error: --feature-gates: unrecognized feature gate: HPAScaleToZeroo\n       write HPAScaleToZero, if that is what is meant.\n',
    ],
    [
      ['--secure-port=65536'],
      'Error: --secure-port 65536 is no port\n       give one from 1 to 65535, or 0 for one that is free.\n',
    ],
    [
      ['--storage=etcd'],
      'Error: --storage=etcd does not say where etcd is\n       add --etcd-servers=http://127.0.0.1:2379, say.\n',
    ],
    [['--nodes=-1'], 'Error: --nodes -1 is less than none\n       give 0 or more.\n'],
    [['--cluster-dns=ns'], 'Error: --cluster-dns ns is no IP address\n       give one like 10.96.0.10.\n'],
    [['--storage=disk'], 'Error: --storage disk is unknown\n       choose lmdb, memory or etcd.\n'],
  ])('%j is refused', async (args, said) => {
    expect(await failingUp(...args)).toBe(said);
  });
});

describe('the commands', () => {
  const say = (command: string, args: string[], cwd = root) => execFileSync(command, args, { cwd, encoding: 'utf8' });

  test.each([
    [[], /^Keelson is a Kubernetes control plane[\s\S]*\n {2}up +Start a cluster/],
    [['--help'], /^Keelson is a Kubernetes control plane/],
    [['help', 'up'], /^Starts a Kubernetes cluster[\s\S]*--data-dir string/],
    [['up', '--help'], /^Starts a Kubernetes cluster/],
    [['version'], /^Keelson \d+\.\d+\.\d+ \(Kubernetes v1\.36\.\d+, Node\.js v\d+/],
  ])('keelson %j', (args, said) => {
    expect(say(join(bin, 'keelson'), args)).toMatch(said);
  });

  test('go on where nobody reads what they say', () => {
    const install = `${join(bin, 'keelson')} init --dry-run --ignore-preflight-errors=all --root ${root}/machine`;
    const said = execFileSync(
      'bash',
      ['-c', `set -o pipefail; ${install} 2>${root}/errors | head -1; cat ${root}/errors`],
      {
        encoding: 'utf8',
      },
    );
    expect(said).toMatch(/^\(dry run\) \[preflight\] .*\n$/);
  });

  test('run from another folder, and through symbolic links', async () => {
    await symlink(join(bin, 'keelson'), join(root, 'absolute'));
    await symlink('absolute', join(root, 'relative'));
    expect(say('./relative', ['version'])).toMatch(/^Keelson /);
    expect(say(join(root, 'absolute'), ['version'], '/')).toMatch(/^Keelson /);
  });

  test('run where the PATH has another Node.js, or none', () => {
    const env = { PATH: '/usr/bin:/bin' };
    expect(execFileSync(join(bin, 'keelson'), ['version'], { env, encoding: 'utf8' })).toMatch(/Node\.js v2[2-9]/);
  });

  test('kube-apiserver --version', () => {
    expect(say(join(bin, 'kube-apiserver'), ['--version'])).toMatch(/^Kubernetes v1\.36\.\d+\n$/);
    expect(JSON.parse(say(join(bin, 'kube-apiserver'), ['--version=raw']))).toMatchObject({ major: '1', minor: '36' });
  });

  test('kube-apiserver --help groups the flags', () => {
    const help = say(join(bin, 'kube-apiserver'), ['--help']);
    expect(help).toMatch(
      /\nEtcd flags:\n\n[\s\S]*--etcd-servers strings[\s\S]*\nKeelson flags:\n\n {6}--data-dir string/,
    );
  });

  test.each([
    [['--nope'], 'Error: unknown flag: --nope\n'],
    [['a', 'b'], 'Error: "kube-apiserver" does not take any arguments, got ["a" "b"]\n'],
    [
      ['--secure-port=x'],
      'Error: invalid argument "x" for "--secure-port" flag: strconv.ParseInt: parsing "x": invalid syntax\n',
    ],
  ])('kube-apiserver %j', async (args, said) => {
    const program = run(join(bin, 'kube-apiserver'), args);
    expect(await program.exited).toBe(1);
    expect(program.output()).toBe(said);
  });

  test('kube-apiserver names flags without effect, and all that is wrong', async () => {
    const program = run(join(bin, 'kube-apiserver'), ['--contention-profiling', '--debug-socket-path=x']);
    expect(await program.exited).toBe(1);
    const [warning, failure, rest] = program.output().split('\n');
    expect(warning).toMatch(
      /^W\d{4} .*"These flags have no effect yet" flags=\["--contention-profiling","--debug-socket-path"\]$/,
    );
    expect(failure).toMatch(
      /^E\d{4} .*"command failed" err="\[--etcd-servers must be specified, .*, service-account-issuer is a required flag, /,
    );
    expect(rest).toBe('');
  });
});
