import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { ContainerConfig, ContainerStatus } from '@keelson/kubelet/runtime/container';
import { CriRuntime } from '@keelson/kubelet/runtime/cri/runtime';
import type { SandboxConfig } from '@keelson/kubelet/runtime/sandbox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BUSYBOX, type Containerd, noContainers, startContainerd } from '../support/containerd.ts';

describe.skipIf(noContainers())('containerd', { timeout: 60_000 }, () => {
  let directory: string;
  let containerd: Containerd;
  let runtime: CriRuntime;
  let sandbox: SandboxConfig;
  let sandboxId: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kc-'));
    containerd = await startContainerd(directory);
    runtime = new CriRuntime(containerd.endpoint);
    sandbox = sandboxOf('pod-1');
    await mkdir(sandbox.logDirectory, { recursive: true });
    sandboxId = await runtime.runSandbox(sandbox);
  }, 60_000);
  afterAll(async () => {
    await runtime.stopSandbox(sandboxId);
    await runtime.removeSandbox(sandboxId);
    await runtime.close();
    await containerd.stop();
    await rm(directory, { recursive: true, force: true });
  }, 60_000);

  function sandboxOf(uid: string): SandboxConfig {
    return {
      metadata: { name: 'p', namespace: 'ns', uid, attempt: 0 },
      hostname: 'p',
      logDirectory: join(directory, 'logs', uid),
      dns: { servers: [], searches: [], options: [] },
      portMappings: [],
      labels: { 'io.kubernetes.pod.uid': uid, 'io.kubernetes.pod.name': 'p', 'io.kubernetes.pod.namespace': 'ns' },
      annotations: {},
      runtimeHandler: '',
      linux: {
        cgroupParent: '',
        sysctls: {},
        security: {
          namespaces: { network: 'pod', pid: 'container', ipc: 'pod' },
          privileged: false,
          supplementalGroups: [],
        },
      },
    };
  }

  function containerOf(name: string, script: string, more: Partial<ContainerConfig> = {}): ContainerConfig {
    return {
      metadata: { name, attempt: 0 },
      image: { image: BUSYBOX, userSpecified: BUSYBOX, runtimeHandler: '' },
      command: ['/bin/sh', '-c', script],
      args: [],
      workingDirectory: '',
      env: [{ name: 'GREETING', value: 'hello' }],
      mounts: [],
      devices: [],
      cdiDevices: [],
      labels: { ...sandbox.labels, 'io.kubernetes.container.name': name },
      annotations: { note: 'n' },
      logPath: `${name}.log`,
      stdin: false,
      stdinOnce: false,
      tty: false,
      linux: {
        resources: { memoryLimit: 64 * 2 ** 20, cpuShares: 128 },
        security: {
          namespaces: { network: 'pod', pid: 'container', ipc: 'pod' },
          privileged: false,
          readOnlyRootFilesystem: false,
          noNewPrivileges: false,
          supplementalGroups: [],
          capabilities: { add: [], drop: [] },
          maskedPaths: [],
          readonlyPaths: [],
        },
      },
      ...more,
    };
  }

  async function started(name: string, script: string, more?: Partial<ContainerConfig>): Promise<string> {
    const id = await runtime.createContainer(sandboxId, containerOf(name, script, more), sandbox);
    await runtime.startContainer(id);
    return id;
  }

  async function stateOf(id: string): Promise<ContainerStatus> {
    const { containers } = await runtime.pod('pod-1');
    return containers.find((container) => container.id === id)!;
  }

  async function ended(id: string): Promise<ContainerStatus['state']> {
    for (;;) {
      const { state } = await stateOf(id);
      if (state.type === 'exited') return state;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  test('says what it is and how it is', async () => {
    expect(await runtime.version()).toMatchObject({ name: 'containerd' });
    const { conditions } = await runtime.status();
    expect(conditions.map(({ type, ok }) => [type, ok])).toEqual([
      ['RuntimeReady', true],
      ['NetworkReady', true],
    ]);
  });

  test('a sandbox has an address and keeps what it was given', async () => {
    const { sandboxes } = await runtime.pod('pod-1');
    expect(sandboxes).toMatchObject([
      { id: sandboxId, state: 'ready', metadata: sandbox.metadata, labels: sandbox.labels, hostNetwork: false },
    ]);
    expect(sandboxes[0]!.ips[0]).toMatch(/^10\./);
    expect(await runtime.list()).toMatchObject([
      { uid: 'pod-1', name: 'p', namespace: 'ns', sandboxes: [{ ready: true }] },
    ]);
  });

  test('a container runs to its end; its output and its exit code are kept', async () => {
    const id = await started('short', 'echo $GREETING from $HOSTNAME; echo oops >&2; exit 3');
    expect(await ended(id)).toMatchObject({ type: 'exited', exitCode: 3, reason: 'Error' });
    const status = await stateOf(id);
    expect(status).toMatchObject({
      image: BUSYBOX,
      metadata: { name: 'short', attempt: 0 },
      annotations: { note: 'n' },
    });
    expect(status.log.type).toBe('file');
    const log = await readFile((status.log as { path: string }).path, 'utf8');
    expect(log).toMatch(/stdout F hello from p\n/);
    expect(log).toMatch(/stderr F oops\n/);
    await runtime.removeContainer(id);
    await runtime.removeContainer(id);
    expect(await stateOf(id)).toBeUndefined();
  });

  test('commands are run in a container: to their end, and with streams', async () => {
    const id = await started('long', 'sleep 1000');
    const { stdout, exitCode } = await runtime.execSync(id, ['sh', '-c', 'echo out; exit 4'], 5000);
    expect([stdout.toString(), exitCode]).toEqual(['out\n', 4]);
    await expect(runtime.execSync(id, ['sleep', '10'], 1000)).rejects.toMatchObject({ code: 'DeadlineExceeded' });
    const session = await runtime.exec(id, {
      command: ['sh', '-c', 'cat; echo err >&2; exit 5'],
      stdin: true,
      stdout: true,
      stderr: true,
      tty: false,
    });
    const [out, err] = [text(session.stdout!), text(session.stderr!)];
    session.stdin!.end('through');
    expect([await out, await err, await session.exit]).toEqual(['through', 'err\n', 5]);
    await runtime.stopContainer(id, 0);
    expect(await ended(id)).toMatchObject({ exitCode: 137 });
  });

  test('a container that takes too much memory is killed, and says so', async () => {
    const id = await started('greedy', 'x=a; while true; do x=$x$x$x; done');
    expect(await ended(id)).toMatchObject({ reason: 'OOMKilled', exitCode: 137 });
  });

  test('a graceful stop waits for the container', async () => {
    const id = await started('polite', 'trap "echo bye; exit 0" TERM; while true; do sleep 0.1; done');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await runtime.stopContainer(id, 10);
    expect(await ended(id)).toMatchObject({ exitCode: 0, reason: 'Completed' });
  });

  test('connections reach ports of the sandbox', async () => {
    const id = await started('server', 'while true; do echo served | nc -l -p 8080; done');
    await new Promise((resolve) => setTimeout(resolve, 300));
    const connection = await runtime.portForward(sandboxId, 8080);
    expect(await text(connection)).toBe('served\n');
    await runtime.stopContainer(id, 0);
  });

  test('who subscribes hears of a container that ends', async () => {
    const heard = Promise.withResolvers<string>();
    const id = await started('brief', 'sleep 1');
    const end = runtime.subscribe(async (uid) => {
      if ((await stateOf(id))?.state.type === 'exited') heard.resolve(uid);
    });
    expect(await heard.promise).toBe('pod-1');
    end();
  });

  test('images are found by name, or not', async () => {
    const spec = { image: BUSYBOX, userSpecified: BUSYBOX, runtimeHandler: '' };
    expect(await runtime.image(spec)).toMatchObject({ tags: [BUSYBOX] });
    expect(await runtime.image({ ...spec, image: 'localhost/keelson/none:1' })).toBeUndefined();
    expect((await runtime.images()).length).toBeGreaterThanOrEqual(2);
  });

  test('what is used is measured', async () => {
    const id = await started('busy', 'while true; do :; done');
    await new Promise((resolve) => setTimeout(resolve, 500));
    const pod = (await runtime.stats()).find(({ uid }) => uid === 'pod-1');
    expect(pod?.containers.find(({ name }) => name === 'busy')?.cpu?.coreNanoseconds).toBeGreaterThan(0);
    await runtime.stopContainer(id, 0);
  });
});
