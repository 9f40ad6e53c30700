/**
 * One story of a cluster on containers, with each part a process of its own and any of them upstream's: KUBE_APISERVER,
 * KUBE_SCHEDULER, KUBE_CONTROLLER_MANAGER and KUBELET name upstream's binaries; a part that is not named is ours.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClusterPki, ensureClusterPki } from '@keelson/cluster/pki/cluster-pki';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiServer, kubeconfigFor, startApiServer } from '../support/api-server.ts';
import { BUSYBOX, noContainers, startContainerd, unmountBelow } from '../support/containerd.ts';
import { type Kubectl, kubectl } from '../support/kubectl.ts';
import { freePort, type Program, startProgram } from '../support/process.ts';
import { missing } from '../support/tools.ts';

const bin = (name: string) => join(import.meta.dirname, '../../bin', name);
const scheduler = process.env.KUBE_SCHEDULER ?? bin('kube-scheduler');
const controllerManager = process.env.KUBE_CONTROLLER_MANAGER ?? bin('kube-controller-manager');
const kubelet = process.env.KUBELET ?? bin('kubelet');
const NODE = 'stand-in';

let server: ApiServer;
let k: Kubectl;
const programs: Program[] = [];
const ends: (() => Promise<unknown>)[] = [];

/** The cluster's parts, each with a certificate of its own. */
async function start(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'ks-'));
  ends.push(async () => {
    unmountBelow(directory);
    await rm(directory, { recursive: true, force: true });
  });
  await mkdir(join(directory, 'cri'));
  const containerd = await startContainerd(join(directory, 'cri'));
  ends.push(() => containerd.stop());
  const pki = new ClusterPki(join(directory, 'pki'));
  await ensureClusterPki(pki, ['127.0.0.1'], NODE, new Date());
  const ca = pki.certificateFile('ca');
  server = await startApiServer(process.env.KUBE_APISERVER === undefined ? 'lmdb' : 'etcd', [
    `--client-ca-file=${ca}`,
    `--kubelet-client-certificate=${pki.certificateFile('apiserver-kubelet-client')}`,
    `--kubelet-client-key=${pki.keyFile('apiserver-kubelet-client')}`,
    '--kubelet-preferred-address-types=InternalIP',
    `--tls-cert-file=${pki.certificateFile('apiserver')}`,
    `--tls-private-key-file=${pki.keyFile('apiserver')}`,
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged',
  ]);
  ends.push(() => server.stop());
  k = kubectl(server.kubeconfig);
  const authority = (await pki.read('ca'))!.certificate;
  const access = async (name: string, user: object): Promise<string> => {
    const file = join(directory, `${name}.kubeconfig`);
    await writeFile(file, JSON.stringify(kubeconfigFor(server.url, authority, user)));
    return file;
  };
  const own = (name: 'kube-scheduler' | 'kube-controller-manager') =>
    access(name, { 'client-certificate': pki.certificateFile(name), 'client-key': pki.keyFile(name) });
  await writeFile(server.kubeconfig, JSON.stringify(kubeconfigFor(server.url, authority, { token: server.token })));
  const run = (program: string, ...args: string[]) => programs.push(startProgram(program, args));
  ends.push(() => Promise.all(programs.map((program) => program.stop('SIGTERM'))));
  run(scheduler, `--kubeconfig=${await own('kube-scheduler')}`, '--secure-port=0');
  run(
    controllerManager,
    `--kubeconfig=${await own('kube-controller-manager')}`,
    '--secure-port=0',
    '--use-service-account-credentials',
    `--root-ca-file=${ca}`,
    `--service-account-private-key-file=${join(server.directory, 'sa.key')}`,
    `--cluster-signing-cert-file=${ca}`,
    `--cluster-signing-key-file=${pki.keyFile('ca')}`,
  );
  const configuration = join(directory, 'kubelet.json');
  await writeFile(
    configuration,
    JSON.stringify({
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      authentication: { x509: { clientCAFile: ca } },
      cgroupDriver: 'cgroupfs',
      // Else upstream's kubelet ends whatever runs in the cgroups of other kubelets' pods.
      cgroupsPerQOS: false,
      enforceNodeAllocatable: [],
      // The machine of a test may be as full as it likes.
      imageGCHighThresholdPercent: 100,
      evictionHard: { 'nodefs.available': '0%' },
      containerRuntimeEndpoint: containerd.endpoint,
      failCgroupV1: false,
      failSwapOn: false,
      healthzPort: 0,
      podLogsDir: join(directory, 'logs'),
      port: await freePort(),
    }),
  );
  run(
    kubelet,
    `--config=${configuration}`,
    `--hostname-override=${NODE}`,
    `--bootstrap-kubeconfig=${await access('bootstrap', { token: server.token })}`,
    `--kubeconfig=${join(directory, 'kubelet.kubeconfig')}`,
    `--cert-dir=${join(directory, 'kubelet-pki')}`,
    `--root-dir=${join(directory, 'kubelet')}`,
  );
}

/** What is there to see when something does not come about. */
async function state(): Promise<string> {
  const tail = (program: Program) => program.output().split('\n').slice(-15).join('\n');
  const pods = await k.result({})`describe pods -A`;
  return [pods.stdout, ...programs.map(tail)].join('\n\n');
}

async function eventually(fits: () => Promise<boolean>, what: string, seconds = 60): Promise<void> {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
    if (await fits().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`not within ${seconds} s: ${what}\n${await state()}`);
}

const path = async (words: string, jsonpath: string) =>
  k`get ${words.split(' ')[0]!} ${words.split(' ')[1]!} -o jsonpath=${jsonpath}`;

const apply = (...objects: object[]) =>
  k.with({ stdin: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }) })`apply -f -`;

const container = (command: string, more: object = {}) => ({
  name: 'c',
  image: BUSYBOX,
  imagePullPolicy: 'Never',
  command: ['/bin/sh', '-c', command],
  ...more,
});

const shared = [{ name: 'shared', mountPath: '/shared' }];
const skip = missing('kubectl') ?? noContainers();

describe.skipIf(skip)('a cluster with upstream’s parts', { timeout: 180_000 }, () => {
  beforeAll(start, 120_000);
  afterAll(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  }, 60_000);

  test('a node registers by a certificate that it asked for, and renews its lease', async () => {
    const ready = '{.status.conditions[?(@.type=="Ready")].status} {.spec.taints}';
    await eventually(async () => (await path(`node ${NODE}`, ready)).trim() === 'True', 'the node is ready');
    expect(await path(`node ${NODE}`, '{.metadata.labels.kubernetes\\.io/hostname}')).toBe(NODE);
    expect(await k`get csr -o jsonpath={.items[0].status.conditions[*].type}`).toBe('Approved');
    const lease = () => k`get lease -n kube-node-lease ${NODE} -o jsonpath={.spec.renewTime}`;
    await eventually(async () => (await lease()) !== '', 'the lease');
    const first = await lease();
    await eventually(async () => (await lease()) > first, 'the lease is renewed', 30);
  });

  test('pods of a deployment run, are told from, and are looked into', async () => {
    const labels = { app: 'web' };
    await apply(
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'words' }, data: { greeting: 'hello\n' } },
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: {
          replicas: 2,
          selector: { matchLabels: labels },
          template: {
            metadata: { labels },
            spec: {
              terminationGracePeriodSeconds: 1,
              initContainers: [{ ...container('echo began > /shared/log'), name: 'init', volumeMounts: shared }],
              containers: [
                container('cat /shared/log /words/greeting; exec sleep 1000', {
                  env: [{ name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }],
                  readinessProbe: { exec: { command: ['cat', '/shared/log'] }, periodSeconds: 1 },
                  volumeMounts: [...shared, { name: 'words', mountPath: '/words' }],
                }),
              ],
              volumes: [
                { name: 'shared', emptyDir: {} },
                { name: 'words', configMap: { name: 'words' } },
              ],
            },
          },
        },
      },
    );
    await eventually(
      async () => (await k`rollout status deployment/web --watch=false`).includes('successfully'),
      'the rollout',
    );
    const [name] = (await k`get pods -l app=web -o name`).trim().split('\n');
    expect(await k`logs ${name!}`).toBe('began\nhello\n');
    const ip = await k`get ${name!} -o jsonpath={.status.podIP}`;
    expect(
      (await k`exec ${name!} -- sh -c ${'echo $IP; ls /var/run/secrets/kubernetes.io/serviceaccount'}`).split('\n'),
    ).toEqual([ip, 'ca.crt', 'namespace', 'token', '']);
    expect(await k.with({ stdin: 'typed' })`exec -i ${name!} -- cat`).toBe('typed');
    expect(await k`get ${name!} -o jsonpath={.status.qosClass}`).toBe('BestEffort');
  });

  test('a rollout replaces pods, and another image that is not there waits', async () => {
    await k`set env deployment/web COLOR=blue`;
    await eventually(
      async () => (await k`rollout status deployment/web --watch=false`).includes('successfully'),
      'the rollout',
    );
    await eventually(
      async () => (await k`get pods -l app=web -o name`).trim().split('\n').length === 2,
      'the old pods are gone',
    );
    await k`run absent --image=localhost/absent:1 --image-pull-policy=Never`;
    const reason = '{.status.containerStatuses[0].state.waiting.reason}';
    await eventually(async () => (await path('pod absent', reason)) === 'ErrImageNeverPull', 'the reason');
  });

  test('a job ends, and a failing container is restarted', async () => {
    await apply(
      {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'sum' },
        spec: {
          completions: 2,
          completionMode: 'Indexed',
          template: { spec: { restartPolicy: 'Never', containers: [container('echo $JOB_COMPLETION_INDEX')] } },
        },
      },
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: 'crash' },
        spec: { containers: [container('exit 3')] },
      },
    );
    await eventually(async () => (await path('job sum', '{.status.succeeded}')) === '2', 'the job ends');
    await eventually(
      async () => Number(await path('pod crash', '{.status.containerStatuses[0].restartCount}')) > 1,
      'restarts',
    );
    expect(await path('pod crash', '{.status.containerStatuses[0].lastState.terminated.exitCode}')).toBe('3');
  });

  test('what is deleted goes, with what it owns and what is in it', async () => {
    await k`delete deployment web`;
    await eventually(async () => (await k`get pods -l app=web -o name`) === '', 'its pods are gone');
    await k`create namespace short`;
    await eventually(async () => (await k`get serviceaccount -n short default -o name`) !== '', 'its account');
    await k`run lives -n short --image=${BUSYBOX} --image-pull-policy=Never -- sleep 1000`;
    await eventually(
      async () => (await k`get pod -n short lives -o jsonpath={.status.phase}`) === 'Running',
      'the pod runs',
    );
    await k`delete namespace short --timeout=90s`;
    expect((await k.result({})`get namespace short`).stderr).toContain('NotFound');
  });
});
