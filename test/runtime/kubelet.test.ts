import { writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { type Client, type Draft, systemWorld } from '@keelson/client';
import { RpcClient } from '@keelson/component/grpc/client';
import type { Running } from '@keelson/component/running';
import { EVICTION, IMAGE_COLLECTION, parseThresholds } from '@keelson/kubelet';
import { startTestDevicePlugin } from '@keelson/kubelet/devices/testing';
import { ImageCollector } from '@keelson/kubelet/images/collector';
import { podResourcesLister } from '@keelson/kubelet/podresources/messages';
import type { CriRuntime } from '@keelson/kubelet/runtime/cri/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ContainerNode, soon, startContainerNode } from '../support/container-node.ts';
import { BUSYBOX, type Containerd, noContainers } from '../support/containerd.ts';
import { archive, layer } from '../support/image-archive.ts';

const namespace = 'default';
const world = systemWorld();

/** Pods from POST to their end, on containers that are none of a simulation. */
describe.skipIf(noContainers())('a kubelet on containerd', { timeout: 60_000 }, () => {
  let machine: ContainerNode;
  let directory: string;
  let containerd: Containerd;
  let runtime: CriRuntime;
  let admin: Client;
  let kubelet: Running;

  const start = (hard: Record<string, string> = {}) =>
    machine.startKubelet({
      clusterDns: ['10.96.0.10'],
      cgroups: machine.cgroups,
      // The machine of a test may be as full as it likes.
      eviction: { ...EVICTION, thresholds: parseThresholds({ hard }) },
      foldersMs: 500,
    });

  beforeAll(async () => {
    machine = await startContainerNode();
    ({ directory, containerd, runtime, admin } = machine);
    kubelet = await start();
  }, 120_000);

  afterAll(async () => {
    await kubelet?.stop();
    await machine?.stop();
  }, 120_000);

  const pods = () => admin.resource('pods');
  const get = (name: string) => pods().get({ namespace, name });
  const status = async (name: string, container = 'c') => {
    const { initContainerStatuses: init = [], containerStatuses: regular = [] } = (await get(name)).status ?? {};
    return [...init, ...regular].find((each) => each.name === container);
  };
  const logs = (name: string, container = 'c', attempt = 0) => machine.logs({ namespace, name }, container, attempt);
  const phase = async (name: string) => (await get(name)).status?.phase;
  const sh = (script: string, more: Draft<Container> = {}): Draft<Container> => ({
    name: 'c',
    image: BUSYBOX,
    command: ['/bin/sh', '-c', script],
    ...more,
  });
  const create = (name: string, spec: Draft<Pod['spec']>) =>
    pods().create({
      metadata: { namespace, name, labels: { of: name } },
      spec: { nodeName: 'real', automountServiceAccountToken: false, restartPolicy: 'Never', ...spec },
    });
  const ends = async (name: string, container: Draft<Container>, spec: Draft<Pod['spec']> = {}) => {
    await create(name, { containers: [container], ...spec });
    await soon(() => phase(name)).toMatch(/Succeeded|Failed/);
    return { log: await logs(name), ended: (await status(name))?.state.terminated };
  };
  const forever = 'trap "exit 0" TERM; while :; do sleep 0.2; done';

  it('runs a pod in a user namespace of its own, or says that the runtime cannot', async () => {
    const map = { metadata: { namespace, name: 'shown' }, data: { key: 'value' } };
    await admin.resource('configmaps').create(map);
    const volumes = [
      { name: 'empty', emptyDir: {} },
      { name: 'map', configMap: { name: 'shown' } },
    ];
    const volumeMounts = [
      { name: 'empty', mountPath: '/empty' },
      { name: 'map', mountPath: '/map' },
    ];
    const script = 'cat /proc/self/uid_map; id -u; touch /empty/f && ls -n /empty/f | cut -c1-20; cat /map/key';
    const own = { hostUsers: false, volumes, containers: [sh(script, { volumeMounts })] };
    const { handlers } = await runtime.status();
    if (handlers.find(({ name }) => name === '')?.userNamespaces) {
      await create('userns', own);
      await soon(() => phase('userns')).toMatch(/Succeeded|Failed/);
      const { metadata } = await get('userns');
      const file = join(machine.rootDirectory, 'pods', metadata.uid!, 'userns');
      const [{ hostId }] = JSON.parse(await readFile(file, 'utf8')).uidMappings;
      const [uidMap, uid, owned, shown] = (await logs('userns')).split('\n');
      expect(uidMap!.trim().split(/ +/)).toEqual(['0', String(hostId), '65536']);
      expect([uid, shown]).toEqual(['0', 'value']);
      expect(owned).toMatch(/^-rw-r--r-- +1 0 /);
    } else {
      await create('userns', own);
      const events = async () =>
        (await admin.resource('events').list({ namespace, fieldSelector: 'involvedObject.name=userns' })).items;
      await soon(async () => (await events()).map(({ message }) => message)).toContainEqual(
        "Failed to create pod sandbox: can't set `spec.hostUsers: false`, runtime does not support user namespaces",
      );
    }
    await pods().delete({ namespace, name: 'userns' }, { gracePeriodSeconds: 0 });
  });

  it('runs a command with its variables', async () => {
    const env: Draft<Container['env']> = [
      { name: 'A', value: 'a' },
      { name: 'B', value: '$(A)b' },
      { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '1m' } } },
    ];
    const resources = { limits: { cpu: '250m' } };
    const { log, ended } = await ends('env', sh('echo $B $IP $CPU $(hostname); echo $(B)', { env, resources }));
    const { status } = await get('env');
    expect(ended).toMatchObject({ exitCode: 0, reason: 'Completed' });
    expect(log).toBe(`ab ${status?.podIP} 250 env\nab\n`);
  });

  it('says how a container ended, in its own words', async () => {
    const { ended } = await ends('words', sh('echo last words > /dev/termination-log; exit 3'));
    expect(ended).toMatchObject({ exitCode: 3, reason: 'Error', message: 'last words\n' });
    const fallback = sh('echo all is lost; exit 1', { terminationMessagePolicy: 'FallbackToLogsOnError' });
    expect((await ends('fallback', fallback)).ended?.message).toBe('all is lost\n');
  });

  it('runs init containers, then sidecars beside the others, and ends them last', async () => {
    await create('ordered', {
      initContainers: [
        sh('echo 1 >> /v/order', { name: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
        sh('echo 2 >> /v/order; trap "exit 0" TERM; while :; do sleep 0.1; done', {
          name: 'side',
          restartPolicy: 'Always',
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
        }),
      ],
      containers: [sh('sleep 0.3; cat /v/order', { volumeMounts: [{ name: 'v', mountPath: '/v' }] })],
      volumes: [{ name: 'v', emptyDir: {} }],
    });
    await soon(() => phase('ordered')).toBe('Succeeded');
    expect(await logs('ordered')).toBe('1\n2\n');
    expect((await status('ordered', 'side'))?.state.terminated?.exitCode).toBe(0);
  });

  it('starts what crashes again, later each time', async () => {
    await create('crashes', { restartPolicy: 'Always', containers: [sh('exit 1')] });
    await soon(async () => (await status('crashes'))?.state.waiting?.reason).toBe('CrashLoopBackOff');
    expect(await status('crashes')).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 1 } } });
  });

  it('kills what uses too much memory', async () => {
    const { ended } = await ends(
      'oom',
      sh('x=a; while :; do x=$x$x; done', { resources: { limits: { memory: '24Mi' } } }),
    );
    expect(ended).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  it('asks containers how they are', async () => {
    const exec = (command: string) => ({
      exec: { command: ['/bin/sh', '-c', command] },
      periodSeconds: 1,
      failureThreshold: 1,
    });
    await create('probed', {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 1,
      containers: [
        sh(`touch /tmp/up; ${forever}`, {
          startupProbe: exec('test -e /tmp/up'),
          readinessProbe: exec('test -e /tmp/ready'),
          livenessProbe: exec('! test -e /tmp/dead'),
        }),
      ],
    });
    await soon(async () => (await status('probed'))?.started).toBe(true);
    expect((await status('probed'))?.ready).toBe(false);
    const id = (await status('probed'))!.containerID!.replace(/^.*:\/\//, '');
    await runtime.execSync(id, ['touch', '/tmp/ready'], 0);
    await soon(async () => (await status('probed'))?.ready).toBe(true);
    await runtime.execSync(id, ['touch', '/tmp/dead'], 0);
    await soon(async () => (await status('probed'))?.restartCount).toBe(1);
    const told = async () =>
      (await admin.resource('events').list({ namespace, fieldSelector: 'involvedObject.name=probed' })).items;
    await soon(async () => (await told()).map(({ message }) => message)).toContain(
      'Container c failed liveness probe, will be restarted',
    );
  });

  it('shows volumes, and their changes while the container runs', async () => {
    await admin.resource('configmaps').create({ metadata: { namespace, name: 'live' }, data: { k: 'old' } });
    await admin.resource('secrets').create({ metadata: { namespace, name: 'hidden' }, stringData: { p: 's3cret' } });
    await create('shows', {
      containers: [
        sh(
          'cat /s/p; echo; cat /d/l; echo; stat -c %a /s/..data/p; until grep -q new /c/k; do sleep 0.1; done; echo changed',
          {
            volumeMounts: [
              { name: 'c', mountPath: '/c' },
              { name: 's', mountPath: '/s', readOnly: true },
              { name: 'd', mountPath: '/d' },
              { name: 'm', mountPath: '/m' },
            ],
          },
        ),
      ],
      volumes: [
        { name: 'c', configMap: { name: 'live' } },
        { name: 's', secret: { secretName: 'hidden', defaultMode: 0o400 } },
        { name: 'd', downwardAPI: { items: [{ path: 'l', fieldRef: { fieldPath: "metadata.labels['of']" } }] } },
        { name: 'm', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      ],
    });
    await soon(() => phase('shows')).toBe('Running');
    await admin.resource('configmaps').patch({ namespace, name: 'live' }, 'merge', { data: { k: 'new' } });
    await soon(() => phase('shows')).toBe('Succeeded');
    expect(await logs('shows')).toBe('s3cret\nshows\n400\nchanged\n');
  });

  it('runs as whom it is told to, without more rights than that', async () => {
    const { log } = await ends(
      'secure',
      sh('id -u; id -g; id -G; touch /x 2>&1; grep NoNewPrivs /proc/self/status; stat -c "%g %a" /v', {
        securityContext: {
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [{ name: 'v', mountPath: '/v' }],
      }),
      {
        securityContext: { runAsUser: 1000, runAsGroup: 2000, fsGroup: 3000, supplementalGroups: [4000] },
        volumes: [{ name: 'v', emptyDir: {} }],
      },
    );
    expect(log).toBe('1000\n2000\n2000 3000 4000\ntouch: /x: Read-only file system\nNoNewPrivs:\t1\n3000 2777\n');
  });

  it('refuses root where there must be none', async () => {
    await create('root', { containers: [sh('id', { securityContext: { runAsNonRoot: true } })] });
    const { uid } = (await get('root')).metadata;
    await soon(async () => (await status('root'))?.state.waiting).toEqual({
      reason: 'CreateContainerConfigError',
      message: `container has runAsNonRoot and image will run as root (pod: "root_default(${uid})", container: c)`,
    });
  });

  it('knows its hosts and names', async () => {
    const { log } = await ends('hosts', sh('cat /etc/hosts /etc/resolv.conf'), {
      hostAliases: [{ ip: '192.0.2.9', hostnames: ['nine'] }],
      subdomain: 'sub',
      dnsConfig: { options: [{ name: 'ndots', value: '3' }] },
    });
    expect(log).toContain('192.0.2.9\tnine');
    expect(log).toContain('\thosts.sub.default.svc.cluster.local\thosts\n');
    expect(log).toContain('nameserver 10.96.0.10');
    expect(log).toContain('ndots:3');
  });

  it('shares the network of its machine where it is told to', async () => {
    await create('on-host', {
      hostNetwork: true,
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 1,
      containers: [sh(forever)],
    });
    await soon(() => phase('on-host')).toBe('Running');
    const { status: found } = await get('on-host');
    expect(found?.podIP).toBe(found?.hostIP);
    const before = (await status('on-host'))?.containerID;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await status('on-host'))?.containerID).toBe(before);
  });

  it('says why an image is not there', async () => {
    await create('nowhere', { containers: [{ name: 'c', image: 'localhost:1/none:1' }] });
    await soon(async () => (await status('nowhere'))?.state.waiting?.reason).toMatch(/ErrImagePull|ImagePullBackOff/);
    await create('never', { containers: [{ name: 'c', image: 'localhost:1/none:1', imagePullPolicy: 'Never' }] });
    await soon(async () => (await status('never'))?.state.waiting?.reason).toBe('ErrImageNeverPull');
  });

  it('lets containers end in their grace, after their hooks', async () => {
    await create('graceful', {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 20,
      containers: [
        sh('trap "echo term >> /v/end; exit 0" TERM; echo up; while :; do sleep 0.1; done', {
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
          lifecycle: { preStop: { exec: { command: ['/bin/sh', '-c', 'echo hook >> /v/end'] } } },
        }),
      ],
      volumes: [{ name: 'v', hostPath: { path: join(directory, 'end'), type: 'DirectoryOrCreate' } }],
    });
    await soon(() => phase('graceful')).toBe('Running');
    await soon(() => logs('graceful').catch(() => '')).toBe('up\n');
    await pods().delete({ namespace, name: 'graceful' });
    await soon(() => get('graceful').catch(({ reason }) => reason)).toBe('NotFound');
    expect(await readFile(join(directory, 'end/end'), 'utf8')).toBe('hook\nterm\n');
  });

  it('gives a running container other limits', async () => {
    const resources = { requests: { cpu: '100m', memory: '32Mi' }, limits: { cpu: '200m', memory: '64Mi' } };
    await create('resized', {
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 1,
      containers: [sh(forever, { resources })],
    });
    await soon(() => phase('resized')).toBe('Running');
    const before = await status('resized');
    const wanted = { requests: { cpu: '150m', memory: '32Mi' }, limits: { cpu: '300m', memory: '96Mi' } };
    const patch = { spec: { containers: [{ name: 'c', resources: wanted }] } };
    await pods().patch({ namespace, name: 'resized' }, 'strategic', patch, { subresource: 'resize' });
    await soon(async () => (await status('resized'))?.resources).toEqual(wanted);
    expect(await status('resized')).toMatchObject({ containerID: before!.containerID, restartCount: 0 });
  });

  it('adds an ephemeral container to a pod that runs', async () => {
    const ephemeralContainers = [{ ...sh('echo here; sleep 0.2', { name: 'debug' }), targetContainerName: 'c' }];
    await pods().patch(
      { namespace, name: 'resized' },
      'strategic',
      { spec: { ephemeralContainers } },
      { subresource: 'ephemeralcontainers' },
    );
    await soon(() => logs('resized', 'debug').catch(() => '')).toBe('here\n');
    await soon(
      async () => (await get('resized')).status?.ephemeralContainerStatuses?.[0]?.state.terminated?.exitCode,
    ).toBe(0);
  });

  it('starts nothing again when it is started again itself', async () => {
    const before = await status('resized');
    await kubelet.stop();
    kubelet = await start();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await status('resized')).toEqual(before);
    const events = await admin.resource('events').list({ namespace, fieldSelector: 'involvedObject.name=resized' });
    expect(events.items.filter(({ reason }) => reason === 'Killing')).toEqual([]);
  });

  it('ends pods and takes no others while the disk of the machine is too full', async () => {
    const condition = async () => {
      const { status } = await admin.resource('nodes').get({ name: 'real' });
      return status?.conditions?.find(({ type }) => type === 'DiskPressure')?.reason;
    };
    await kubelet.stop();
    kubelet = await start({ 'nodefs.available': '99%' });
    await soon(() => phase('resized')).toBe('Failed');
    const { status } = await get('resized');
    expect(status?.reason).toBe('Evicted');
    expect(status?.message).toMatch(
      /^The node was low on resource: ephemeral-storage\. Threshold quantity: \d+, available: \d+\w*\. /,
    );
    expect(status?.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
      status: 'True',
      reason: 'TerminationByKubelet',
      message: status?.message,
    });
    await soon(condition).toBe('KubeletHasDiskPressure');
    await create('late', { containers: [sh(forever)] });
    await soon(() => phase('late')).toBe('Failed');
    const message = 'Pod was rejected: The node had condition: [DiskPressure]. ';
    expect((await get('late')).status).toMatchObject({ reason: 'Evicted', message });
    await kubelet.stop();
    kubelet = await start();
    await soon(condition).toBe('KubeletHasNoDiskPressure');
  });

  it('ends a pod that writes more than it may', async () => {
    await create('writer', {
      containers: [
        sh(`dd if=/dev/zero of=/v/file bs=1M count=4; ${forever}`, { volumeMounts: [{ name: 'v', mountPath: '/v' }] }),
      ],
      volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }],
    });
    await soon(() => phase('writer')).toBe('Failed');
    const message = 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". ';
    expect((await get('writer')).status).toMatchObject({ reason: 'Evicted', message });
    const events = await admin.resource('events').list({ namespace, fieldSelector: 'involvedObject.name=writer' });
    expect(events.items.find(({ reason }) => reason === 'Evicted')).toMatchObject({ type: 'Warning', message });
  });

  it('gives pods the devices of a plugin, and takes none for whom there are none left', async () => {
    const resource = 'example.com/dev';
    await mkdir(join(directory, 'library'));
    writeFileSync(join(directory, 'library/version'), '7');
    const startPlugin = () =>
      startTestDevicePlugin({
        directory: join(machine.rootDirectory, 'device-plugins'),
        resource,
        devices: { d1: true },
        allocate: (ids) => ({
          envs: { DEVICE: ids.join() },
          mounts: [{ containerPath: '/library', hostPath: join(directory, 'library'), readOnly: true }],
          devices: [{ containerPath: '/dev/of-plugin', hostPath: '/dev/zero', permissions: 'r' }],
          annotations: { 'example.com/device': ids.join() },
        }),
      });
    let plugin = await startPlugin();
    const allocatable = async () =>
      (await admin.resource('nodes').get({ name: 'real' })).status?.allocatable?.[resource];
    const resources = { limits: { [resource]: '1' } };
    const script = `echo $DEVICE $(cat /library/version) $(head -c 3 /dev/of-plugin | od -An -tx1); ${forever}`;
    const use = (name: string) => create(name, { containers: [sh(script, { resources })] });
    const health = async () => (await status('device'))?.allocatedResourcesStatus?.[0]?.resources?.[0];
    const socket = new RpcClient(`unix:${join(machine.rootDirectory, 'pod-resources/kubelet.sock')}`, {
      waitForReady: true,
    });
    const holders = async () => {
      const { podResources } = await socket.call(podResourcesLister, 'List', {}, { timeoutMs: 10_000 });
      const devices = podResources.map(({ name, containers }) => [name, containers.flatMap((each) => each.devices)]);
      return devices.filter(([, held]) => held!.length > 0);
    };
    const held = [['device', [{ resourceName: resource, deviceIds: ['d1'], topology: null }]]];
    try {
      await plugin.register();
      await soon(allocatable).toBe('1');
      await use('device');
      await soon(() => logs('device').catch(() => '')).toBe('d1 7 00 00 00\n');
      const { metadata } = await get('device');
      expect((await runtime.pod(metadata.uid!)).containers[0]!.annotations).toMatchObject({
        'example.com/device': 'd1',
      });
      expect(await health()).toEqual({ resourceID: 'd1', health: 'Healthy' });
      expect(await holders()).toEqual(held);
      const isRefused = async (name: string) => {
        await use(name);
        await soon(() => phase(name)).toBe('Failed');
        const message =
          'Pod was rejected: Allocate failed due to requested number of devices unavailable for example.com/dev. Requested: 1, Available: 0, which is unexpected';
        expect((await get(name)).status).toMatchObject({ reason: 'UnexpectedAdmissionError', message });
      };
      await isRefused('deviceless');
      plugin.list({ d1: false });
      await soon(allocatable).toBe('0');
      await soon(health).toEqual({ resourceID: 'd1', health: 'Unhealthy' });
      const before = await status('device');
      await kubelet.stop();
      plugin.stop();
      kubelet = await start();
      plugin = await startPlugin();
      await plugin.register();
      await soon(allocatable).toBe('1');
      await isRefused('deviceless-still');
      expect(await status('device')).toMatchObject({ containerID: before!.containerID, state: before!.state });
      expect(await holders()).toEqual(held);
    } finally {
      socket.close();
      plugin.stop();
    }
  });

  it('removes images that nothing uses, and no others', async () => {
    const folder = join(directory, 'spare');
    await mkdir(folder);
    const layers = [layer(folder, 'spare', (root) => writeFileSync(join(root, 'spare'), 'spare'))];
    containerd.load(archive(folder, [{ names: ['localhost/keelson/spare:1'], layers, config: {} }]));
    const tags = async () => (await runtime.images()).flatMap(({ tags: own }) => own).sort();
    await soon(tags).toContain('localhost/keelson/spare:1');
    const before = await tags();
    const collector = new ImageCollector({
      runtime,
      world,
      recorder: { event: () => {} },
      node: { reference: {} },
      policy: { ...IMAGE_COLLECTION, minimumAgeMs: 0 },
      filesystem: () => Promise.resolve({ capacityBytes: 1, availableBytes: 1 }),
      mounted: () => [],
    });
    await collector.removeUnused();
    expect(await tags()).toEqual(before.filter((tag) => !tag.includes('spare')));
  });

  it('leaves nothing behind', async () => {
    await pods().deleteCollection({ namespace }, { gracePeriodSeconds: 1 });
    await soon(async () => (await pods().list({ namespace })).items.map(({ metadata }) => metadata.name)).toEqual([]);
    await soon(() => runtime.list()).toEqual([]);
    await soon(() => readdir(join(machine.rootDirectory, 'pods'))).toEqual([]);
    await soon(() => readdir(join(directory, 'logs'))).toEqual([]);
  });
});
