/** The whole story on real containers: kubectl, API server, scheduler, controllers, kubelet, containerd. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { startTestDriver } from '@keelson/kubelet/volumes/csi/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { BUSYBOX, type Containerd, noContainers, startContainerd } from '../support/containerd.ts';
import { type Kubectl, kubectl } from '../support/kubectl.ts';
import { freePort, type Program, startProgram, untilReady } from '../support/process.ts';
import { missing } from '../support/tools.ts';

const bin = join(import.meta.dirname, '../../bin');
const soon = { timeout: 30_000, interval: 200 };
const late = { timeout: 60_000, interval: 200 };

describe.skipIf(noContainers() ?? missing('kubectl'))('pods on containerd', { timeout: 90_000 }, () => {
  let directory: string;
  let containerd: Containerd;
  let cluster: Program;
  let port: number;
  let k: Kubectl;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'kc-'));
    containerd = await startContainerd(directory);
    port = await freePort();
    await up();
    k = kubectl(join(directory, 'data/kubeconfig'));
    await vi.waitFor(async () => expect(await k`get sa default -o name`).not.toBe(''), soon);
  }, 90_000);
  afterAll(async () => {
    if (k) await k.result({})`delete pods --all --force --grace-period=0 --timeout=20s`;
    await cluster?.stop();
    await containerd?.stop();
    await rm(directory, { recursive: true, force: true });
  }, 60_000);
  beforeEach(({ onTestFailed }) =>
    onTestFailed(() => {
      for (const program of [cluster, containerd.program]) console.error(program.output().slice(-4000));
    }),
  );

  async function up(): Promise<void> {
    const endpoint = `--container-runtime-endpoint=${containerd.endpoint}`;
    cluster = startProgram(join(bin, 'keelson'), [
      'up',
      '--data-dir',
      join(directory, 'data'),
      `--secure-port=${port}`,
      '--cluster-dns=10.96.0.10',
      // The tables of this machine are not a test's to change.
      '--no-proxy',
      endpoint,
    ]);
    await untilReady(cluster, async () => cluster.output().includes('is ready'));
  }

  /** Starts a pod of one container that runs a shell script. */
  async function pod(
    name: string,
    script: string,
    container: object = {},
    spec: object = {},
    metadata: object = {},
  ): Promise<void> {
    const object = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, ...metadata },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          { name: 'main', image: BUSYBOX, imagePullPolicy: 'Never', command: ['sh', '-c', script], ...container },
        ],
        ...spec,
      },
    };
    await k.with({ stdin: JSON.stringify(object) })`create -f -`;
  }

  const get = (name: string) => k.json<Pod>`get pod ${name}`;
  const statusOf = async (name: string) => (await get(name)).status.containerStatuses![0]!;

  test('the ready line says what runs the containers', () => {
    expect(cluster.output()).toMatch(/with a node on containerd \d/);
  });

  test('a pod runs; its output, a command in it and a terminal are reached', async () => {
    await pod('web', 'echo hello from $HOSTNAME; sleep 1000');
    await k`wait --for=condition=Ready pod/web --timeout=30s`;
    expect(await k`logs web`).toBe('hello from web\n');
    expect(await k.with({ stdin: 'through' })`exec -i web -- cat`).toBe('through');
    const failing = await k.result({})`exec web -- sh -c ${'exit 7'}`;
    expect([failing.code, failing.stderr]).toEqual([7, 'command terminated with exit code 7\n']);
    expect(await k`exec web -- cat /var/run/secrets/kubernetes.io/serviceaccount/namespace`).toBe('default');
  });

  test('pods ask the DNS server that they are told of', async () => {
    await pod('names', 'cat /etc/resolv.conf', {}, { restartPolicy: 'Never' });
    await expect.poll(async () => (await get('names')).status.phase, soon).toBe('Succeeded');
    expect(await k`logs names`).toContain('nameserver 10.96.0.10\n');
  });

  test('logs are followed until the container ends', async () => {
    await pod('count', 'for i in 1 2 3; do echo $i; sleep 0.3; done', {}, { restartPolicy: 'Never' });
    await expect.poll(async () => (await get('count')).status.phase, soon).toMatch(/^(Running|Succeeded)$/);
    expect(await k`logs -f count`).toBe('1\n2\n3\n');
    await expect.poll(async () => (await get('count')).status.phase, soon).toBe('Succeeded');
  });

  test('a container that fails is started again, later each time', async () => {
    await pod('crash', 'exit 3');
    await expect.poll(async () => (await statusOf('crash')).state?.waiting?.reason, soon).toBe('CrashLoopBackOff');
    const { restartCount, lastState } = await statusOf('crash');
    expect(restartCount).toBeGreaterThanOrEqual(1);
    expect(lastState?.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    expect(await k`get pod crash --no-headers`).toMatch(/CrashLoopBackOff/);
  });

  test('a container that takes more memory than it may says OOMKilled', async () => {
    const resources = { limits: { memory: '32Mi' } };
    await pod('oom', 'x=a; while true; do x=$x$x$x; done', { resources }, { restartPolicy: 'Never' });
    await expect.poll(async () => (await statusOf('oom')).state?.terminated?.reason, soon).toBe('OOMKilled');
    await expect.poll(async () => (await get('oom')).status.phase, soon).toBe('Failed');
  });

  test('probes decide whether a pod is ready and whether it is started again', async () => {
    const exec = (command: string) => ({
      exec: { command: ['sh', '-c', command] },
      periodSeconds: 1,
      failureThreshold: 1,
    });
    await pod('probed', 'touch /tmp/alive; sleep 1000', {
      readinessProbe: exec('test -e /tmp/ready'),
      livenessProbe: exec('test -e /tmp/alive'),
    });
    await expect.poll(async () => (await get('probed')).status.phase, soon).toBe('Running');
    expect((await statusOf('probed')).ready).toBe(false);
    await k`exec probed -- touch /tmp/ready`;
    await k`wait --for=condition=Ready pod/probed --timeout=20s`;
    await k`exec probed -- rm /tmp/alive`;
    await expect.poll(async () => (await statusOf('probed')).restartCount, soon).toBe(1);
    expect(await k`get events --field-selector=involvedObject.name=probed`).toMatch(/Liveness probe failed/);
  });

  test('the kubelet tells of containers, probes and disks, and shows the logs of the machine', async () => {
    const node = await k`get nodes -o jsonpath=${'{.items[0].metadata.name}'}`;
    const ask = (path: string) => k`get --raw /api/v1/nodes/${node}/proxy/${path}`;
    const containers = await ask('metrics/cadvisor');
    for (const name of ['container_cpu_usage_seconds_total', 'container_memory_working_set_bytes']) {
      // Its first container, which has ended, is not told of.
      expect(containers.match(new RegExp(`^${name}\\{container="main",.*pod="probed".*\\} \\d`, 'gm'))).toHaveLength(1);
    }
    expect(await ask('metrics/probes')).toMatch(
      /^prober_probe_total\{container="main",.*probe_type="Liveness",result="failed"\} \d/m,
    );
    const { node: machine, pods } = JSON.parse(await ask('stats/summary'));
    expect(machine.fs.capacityBytes).toBeGreaterThan(machine.fs.availableBytes);
    expect(machine.runtime.imageFs.inodes).toBeGreaterThan(0);
    expect(pods[0]['ephemeral-storage'].usedBytes).toBeGreaterThan(0);
    expect(await ask('logs/')).toContain('<pre>');
  });

  test('config maps come as files, and change while the pod runs', async () => {
    await k`create configmap settings --from-literal=key=before`;
    const volumes = [{ name: 'settings', configMap: { name: 'settings' } }];
    await pod(
      'configured',
      'sleep 1000',
      { volumeMounts: [{ name: 'settings', mountPath: '/etc/settings' }] },
      { volumes },
    );
    await k`wait --for=condition=Ready pod/configured --timeout=30s`;
    expect(await k`exec configured -- cat /etc/settings/key`).toBe('before');
    await k`patch configmap settings -p ${'{"data":{"key":"after"}}'}`;
    await expect.poll(() => k`exec configured -- cat /etc/settings/key`, late).toBe('after');
  });

  test('init containers run first, one after the other', async () => {
    const init = (name: string) => ({
      name,
      image: BUSYBOX,
      imagePullPolicy: 'Never',
      command: ['sh', '-c', `echo ${name} >> /work/order`],
      volumeMounts: [{ name: 'work', mountPath: '/work' }],
    });
    const mounts = { volumeMounts: [{ name: 'work', mountPath: '/work' }] };
    await pod('initialized', 'cat /work/order; sleep 1000', mounts, {
      initContainers: [init('one'), init('two')],
      volumes: [{ name: 'work', emptyDir: {} }],
    });
    await k`wait --for=condition=Ready pod/initialized --timeout=30s`;
    expect(await k`logs initialized`).toBe('one\ntwo\n');
  });

  test('port-forward reaches what listens in the pod', async () => {
    await pod('server', 'while true; do printf "HTTP/1.0 200 OK\\r\\n\\r\\nserved" | nc -l -p 8080; done');
    await k`wait --for=condition=Ready pod/server --timeout=30s`;
    const local = await freePort();
    const forward = k.start`port-forward pod/server ${local}:8080`;
    await untilReady(forward, async () => forward.output().includes('Forwarding'));
    const answer = await fetch(`http://127.0.0.1:${local}/`);
    expect(await answer.text()).toBe('served');
    await forward.stop();
  });

  test('attach reaches what a container reads and writes', async () => {
    await pod('echoes', 'while read line; do echo "got $line"; done', { stdin: true, stdinOnce: true });
    await k`wait --for=condition=Ready pod/echoes --timeout=30s`;
    expect(await k.with({ stdin: 'one\ntwo\n' })`attach -i echoes -c main`).toContain('got one\ngot two\n');
  });

  test('files are copied into a container and out of it', async () => {
    const [from, back] = [join(directory, 'from'), join(directory, 'back')];
    const content = Array.from({ length: 20_000 }, (_, i) => `line ${i}`).join('\n');
    await writeFile(from, content);
    await k`cp ${from} web:/tmp/copied`;
    await k`cp web:/tmp/copied ${back}`;
    expect(await readFile(back, 'utf8')).toBe(content);
  });

  test('debug adds a container to a pod that runs, and reaches it', async () => {
    await k`debug web --image=${BUSYBOX} --image-pull-policy=Never --container=look --target=main -- sh -c ${'echo seen; sleep 100'}`;
    await expect.poll(() => k`logs web -c look`, soon).toBe('seen\n');
    expect((await get('web')).status.ephemeralContainerStatuses).toMatchObject([{ name: 'look', restartCount: 0 }]);
  });

  test('what a pod writes into a volume of a driver the next one reads', async () => {
    const name = 'folders.example.com';
    const socket = join(directory, 'data/kubelet/plugins_registry/folders.sock');
    const driver = await startTestDriver({ name, socket, data: join(directory, 'volumes') });
    onTestFinished(() => driver.stop());
    await expect.poll(() => k`get csinodes -o ${'jsonpath={.items[*].spec.drivers[*].name}'}`, soon).toBe(name);
    const capacity = { storage: '1Gi' };
    const common = { accessModes: ['ReadWriteOnce'], storageClassName: '' };
    const csi = { driver: name, volumeHandle: 'one', fsType: 'ext4' };
    const claim = { ...common, volumeName: 'one', resources: { requests: capacity } };
    const objects = [
      { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', metadata: { name }, spec: { fsGroupPolicy: 'File' } },
      { apiVersion: 'v1', kind: 'PersistentVolume', metadata: { name: 'one' }, spec: { ...common, capacity, csi } },
      { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'one' }, spec: claim },
    ];
    await k.with({ stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }) })`create -f -`;
    const mount = { volumeMounts: [{ name: 'v', mountPath: '/v' }], securityContext: { runAsUser: 5, runAsGroup: 5 } };
    const spec = {
      restartPolicy: 'Never',
      securityContext: { fsGroup: 7 },
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'one' } }],
    };
    /** As the driver's controller would. */
    const attach = async () => {
      for (const attachment of (await k`get volumeattachments -o name`).split('\n').filter(Boolean))
        await k.result({})`patch ${attachment} --subresource=status --type=merge -p ${'{"status":{"attached":true}}'}`;
    };
    await pod('writes', 'echo kept > /v/file', mount, spec);
    await expect.poll(() => attach().then(async () => (await get('writes')).status.phase), soon).toBe('Succeeded');
    await pod('reads', 'cat /v/file; stat -c %g /v/file; sleep 1000', mount, spec);
    await expect.poll(() => attach().then(() => k.result({})`logs reads`), soon).toMatchObject({ stdout: 'kept\n7\n' });
    expect(await k`get nodes -o ${'jsonpath={.items[*].status.volumesInUse}'}`).toContain(`${name}^one`);
    await k`delete pod reads writes`;
    const inUse = () => k`get nodes -o ${'jsonpath={.items[*].status.volumesInUse}'}`;
    await expect.poll(inUse, soon).not.toContain(name);
    expect(driver.calls.at(-1)?.method).toBe('NodeUnstageVolume');
  });

  test('a restarted cluster finds its containers and starts none again', async () => {
    const before = await get('web');
    await cluster.stop('SIGKILL');
    await up();
    await expect.poll(() => k`exec web -- echo here`, soon).toBe('here\n');
    await new Promise((resolve) => setTimeout(resolve, 3000));
    const after = await get('web');
    expect(after.metadata.uid).toBe(before.metadata.uid);
    expect(after.status.containerStatuses).toMatchObject([
      { containerID: before.status.containerStatuses![0]!.containerID, restartCount: 0, ready: true },
    ]);
  });

  test('a deleted pod is gone, and its containers with it', async () => {
    await k`delete pod web --timeout=30s`;
    const { code } = await k.result({})`get pod web`;
    expect(code).toBe(1);
  });
});
