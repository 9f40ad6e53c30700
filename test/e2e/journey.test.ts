/**
 * The way of one pod, from a POST until its node dies, in ten steps, with every part a process of its own. Each step is
 * asserted from what the API server saw and stored: its audit log (who asked for what, by which program), the events of a
 * watch, and the revisions of what was written.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import { type Client, connect, loadKubeconfig, systemWorld, type WatchEvent } from '@keelson/client';
import { afterEach, describe, expect, test } from 'vitest';
import { BUSYBOX, noContainers, startContainerd, unmountBelow } from '../support/containerd.ts';
import { startEtcd } from '../support/etcd.ts';
import { kubectl } from '../support/kubectl.ts';
import { freePort, type Program, startProgram, untilReady } from '../support/process.ts';
import { missing } from '../support/tools.ts';

const bin = (name: string) => join(import.meta.dirname, '../../bin', name);
const NODE = 'journey-node';

interface Audited {
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly userAgent: string;
  readonly objectRef?: {
    readonly resource: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code: number };
  readonly requestURI: string;
  readonly stageTimestamp: string;
}

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
}, 60_000);

async function eventually<T>(
  look: () => Promise<T | undefined> | T | undefined,
  what: string,
  seconds = 40,
): Promise<T> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    const found = await look();
    if (found !== undefined && found !== false) return found as T;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`not within ${seconds} s: ${what}`);
}

/** A cluster whose parts are processes, each with a certificate of its own. */
async function cluster(runtime: string, storage: readonly string[]) {
  const directory = await mkdtemp(join(tmpdir(), 'kj-'));
  ends.push(async () => {
    unmountBelow(directory);
    await rm(directory, { recursive: true, force: true });
  });
  const programs: Program[] = [];
  ends.push(() => Promise.all(programs.map((program) => program.stop('SIGKILL'))));
  const run = (name: string, ...args: string[]) => {
    const program = startProgram(bin(name), args);
    programs.push(program);
    return program;
  };
  const policy = join(directory, 'policy.yaml');
  await writeFile(
    policy,
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata}]\n',
  );
  const log = join(directory, 'audit.log');
  const data = join(directory, 'data');
  const port = await freePort();
  const alone = ['--no-node', '--no-scheduler', '--no-controllers'];
  const server = run(
    'keelson',
    'up',
    '--data-dir',
    data,
    `--secure-port=${port}`,
    ...alone,
    ...storage,
    `--audit-policy-file=${policy}`,
    `--audit-log-path=${log}`,
  );
  await untilReady(server, async () => server.output().includes('is ready'));
  const pki = (name: string) => join(data, 'pki', name);
  const kubeconfig = async (name: string) => {
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        { name: 'c', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': pki('ca.crt') } },
      ],
      users: [{ name: 'u', user: { 'client-certificate': pki(`${name}.crt`), 'client-key': pki(`${name}.key`) } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    const file = join(directory, `${name}.conf`);
    await writeFile(file, JSON.stringify(config));
    return file;
  };
  run('kube-scheduler', '--kubeconfig', await kubeconfig('kube-scheduler'), '--secure-port=0');
  run(
    'kube-controller-manager',
    ...[
      '--kubeconfig',
      await kubeconfig('kube-controller-manager'),
      '--secure-port=0',
      '--use-service-account-credentials',
    ],
    ...['--root-ca-file', pki('ca.crt'), '--node-monitor-grace-period=3s', '--node-monitor-period=1s'],
    ...['--cluster-signing-cert-file', pki('ca.crt'), '--cluster-signing-key-file', pki('ca.key')],
  );
  const admin = connect(await loadKubeconfig(join(data, 'kubeconfig')), { component: 'journey', world: systemWorld() });
  ends.push(async () => admin.close());
  await bootstrapToken(admin);
  const bootstrap = join(directory, 'bootstrap.conf');
  const token = {
    clusters: [{ name: 'c', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': pki('ca.crt') } }],
  };
  const user = {
    users: [{ name: 'u', user: { token: 'abcdef.0123456789abcdef' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
  };
  await writeFile(
    bootstrap,
    JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...token, ...user, 'current-context': 'x' }),
  );
  const kubelet = run(
    'kubelet',
    ...[
      '--bootstrap-kubeconfig',
      bootstrap,
      '--kubeconfig',
      join(directory, 'kubelet.conf'),
      '--cert-dir',
      join(directory, 'kubelet-pki'),
    ],
    ...['--root-dir', join(directory, 'kubelet'), '--hostname-override', NODE, '--container-runtime-endpoint', runtime],
    ...[
      '--port',
      String(await freePort()),
      '--healthz-port=0',
      '--client-ca-file',
      pki('ca.crt'),
      '--fail-swap-on=false',
      // The machine of a test may be as full as it likes.
      '--image-gc-high-threshold=100',
      '--eviction-hard=nodefs.available<0%',
    ],
  );
  const audited = async (): Promise<Audited[]> => {
    const text = await readFile(log, 'utf8').catch(() => '');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Audited);
  };
  return {
    admin,
    kubelet,
    audited,
    kubeconfig: join(data, 'kubeconfig'),
    output: () => programs.map((each) => each.output()).join('\n'),
  };
}

/** Lets a new node ask for its certificate, as kubeadm does. */
async function bootstrapToken(admin: Client): Promise<void> {
  const group = 'system:bootstrappers:journey';
  await admin.resource('secrets').create({
    metadata: { namespace: 'kube-system', name: 'bootstrap-token-abcdef' },
    type: 'bootstrap.kubernetes.io/token',
    stringData: {
      'token-id': 'abcdef',
      'token-secret': '0123456789abcdef',
      'usage-bootstrap-authentication': 'true',
      'auth-extra-groups': group,
    },
  });
  for (const role of ['system:node-bootstrapper', 'system:certificates.k8s.io:certificatesigningrequests:nodeclient']) {
    await admin.resource('clusterrolebindings.rbac.authorization.k8s.io').create({
      metadata: { name: `journey-${role.split(':').at(-1)}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: group }],
    });
  }
}

async function journey(runtime: string, storage: readonly string[]): Promise<void> {
  const { admin, kubelet, audited, kubeconfig } = await cluster(runtime, storage);
  const pods = admin.resource('pods');
  const seen: WatchEvent<Pod>[] = [];
  const stop = new AbortController();
  ends.push(async () => stop.abort());
  void (async () => {
    for await (const event of pods.watch({ namespace: 'default', signal: stop.signal })) seen.push(event);
  })().catch(() => {});
  const found = (what: string, fits: (each: Audited) => boolean, seconds?: number) =>
    eventually(async () => (await audited()).find(fits), what, seconds);
  const of =
    (resource: string, subresource?: string) =>
    ({ objectRef }: Audited) =>
      objectRef?.resource === resource && objectRef.subresource === subresource;
  const node = `system:node:${NODE}`;
  const isReady = ({ status }: Node) => status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  await eventually(async () => {
    const { items } = await admin.resource('nodes').list();
    return items.some((each) => isReady(each) === 'True' && !each.spec?.taints?.length) || undefined;
  }, 'the node is ready');
  await eventually(
    async () => (await admin.resource('serviceaccounts').list({ namespace: 'default' })).items[0],
    'a service account',
  );

  // 1, 2: kubectl POSTs; the pod is stored without a node, and answered.
  const k = kubectl(kubeconfig);
  await k`run traveller --image=${BUSYBOX} --image-pull-policy=Never --restart=Never -- sleep 1000`;
  const posted = await found('the POST', (each) => each.verb === 'create' && of('pods')(each));
  expect(posted).toMatchObject({ user: { username: 'kubernetes-admin' }, responseStatus: { code: 201 } });
  expect(posted.userAgent).toMatch(/^kubectl/);
  const event = (what: string, fits: (event: WatchEvent<Pod>) => boolean) => eventually(() => seen.find(fits), what);
  const added = await event('ADDED', ({ type }) => type === 'ADDED');
  expect([added.object.spec.nodeName, added.object.status.phase]).toEqual([undefined, 'Pending']);

  // 3, 4: the scheduler, watching, binds it; the binding is stored.
  const watched = await found(
    'the scheduler watches',
    (each) => each.verb === 'watch' && of('pods')(each) && each.user.username === 'system:kube-scheduler',
  );
  expect(watched.userAgent).toMatch(/^kube-scheduler\//);
  const binding = await found('the binding', of('pods', 'binding'));
  expect(binding).toMatchObject({
    verb: 'create',
    user: { username: 'system:kube-scheduler' },
    responseStatus: { code: 201 },
  });
  const bound = await event('bound', ({ object }) => object.spec.nodeName === NODE);

  // 5, 6: the kubelet of that node, watching what is bound to it, has it run.
  const own = await found(
    'the kubelet watches',
    (each) => each.verb === 'watch' && of('pods')(each) && each.user.username === node,
  );
  expect(own.userAgent).toMatch(/^kubelet\//);
  expect(decodeURIComponent(own.requestURI)).toContain(`spec.nodeName=${NODE}`);
  const running = await event('Running', ({ object }) => object.status.phase === 'Running');
  expect(running.object.status.containerStatuses?.[0]).toMatchObject({ ready: true, restartCount: 0 });
  const scheme = runtime === 'simulated' ? 'simulated' : 'containerd';
  expect(running.object.status.containerStatuses?.[0]?.containerID).toMatch(new RegExp(`^${scheme}://`));

  // 7, 8: it reports; that is stored. Each write has a higher revision than the one before.
  const reported = await found('the status', (each) => of('pods', 'status')(each) && each.user.username === node);
  expect(reported).toMatchObject({ verb: 'patch', responseStatus: { code: 200 } });
  const stored = await pods.get({ namespace: 'default', name: 'traveller' });
  expect(stored.status.phase).toBe('Running');
  const revisions = [added, bound, running].map(({ object }) => Number(object.metadata.resourceVersion));
  expect(revisions).toEqual([...revisions].sort((a, b) => a - b));
  expect(Number(stored.metadata.resourceVersion)).toBeGreaterThanOrEqual(revisions[2]!);
  const order = [posted, binding, reported].map(({ stageTimestamp }) => Date.parse(stageTimestamp));
  expect(order).toEqual([...order].sort((a, b) => a - b));

  // 9: the node gives signs of life.
  const renewed = await found(
    'the lease',
    (each) => of('leases')(each) && each.user.username === node && ['update', 'patch', 'create'].includes(each.verb),
  );
  expect(renewed.objectRef).toMatchObject({ namespace: 'kube-node-lease', name: NODE });

  // 10: the node dies, and the node controller notices.
  await kubelet.stop('SIGKILL');
  await eventually(
    async () => isReady(await admin.resource('nodes').get({ name: NODE })) === 'Unknown' || undefined,
    'the node is lost',
  );
  const noticed = await found(
    'the node controller',
    (each) => of('nodes', 'status')(each) && each.user.username.endsWith(':node-controller'),
  );
  expect(noticed.user.username).toBe('system:serviceaccount:kube-system:node-controller');
  const tainted = await eventually(async () => {
    const { spec } = await admin.resource('nodes').get({ name: NODE });
    return spec?.taints?.find(({ key }) => key === 'node.kubernetes.io/unreachable');
  }, 'the taint');
  expect(tainted.effect).toBe('NoSchedule');
}

const storages: readonly (readonly [string, () => Promise<readonly string[]>])[] = [
  ['LMDB', async () => []],
  [
    'etcd',
    async () => {
      const etcd = await startEtcd();
      ends.push(() => etcd.stop());
      return ['--storage=etcd', `--etcd-servers=${etcd.url}`];
    },
  ],
];

describe.skipIf(missing('kubectl'))('the ten steps of a pod', { timeout: 120_000 }, () => {
  for (const [name, storage] of storages) {
    const withoutEtcd = name === 'etcd' ? missing('etcd') : undefined;
    test.skipIf(withoutEtcd)(`on the simulated runtime, on ${name}`, async () => {
      await journey('simulated', await storage());
    });

    test.skipIf(withoutEtcd ?? noContainers())(`on containerd, on ${name}`, async () => {
      const directory = await mkdtemp(join(tmpdir(), 'kc-'));
      const containerd = await startContainerd(directory);
      ends.push(async () => {
        await containerd.stop();
        await rm(directory, { recursive: true, force: true });
      });
      await journey(containerd.endpoint, await storage());
    });
  }
});
