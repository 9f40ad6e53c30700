import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ConfigMap, Node, Pod, Secret } from '@keelson/api/generated/types/core/v1';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Kubectl, kubectl } from '../support/kubectl.ts';
import { freePort, outputOf, type Program, startProgram } from '../support/process.ts';
import { missing, tool } from '../support/tools.ts';
import { commandOf } from '../support/units.ts';

const bin = join(import.meta.dirname, '../../bin');
const services = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet'] as const;
const none = missing('etcd') ?? missing('kubectl');

let root: string;
let config: string;
let ports: Record<'api' | 'client' | 'peer' | 'metrics' | 'manager' | 'scheduler' | 'kubelet' | 'healthz', number>;
const programs: Program[] = [];
const at = (path: string) => join(root, path);

/** Runs keelson to its end. @throws Error with its output when it fails */
function keelson(...args: string[]): Promise<string> {
  const env = { PATH: [dirname(tool('etcd')), process.env.PATH].join(delimiter) };
  return outputOf(startProgram(join(bin, 'keelson'), args, { env }), `keelson ${args.join(' ')}`);
}

const init = (...args: string[]) => keelson('init', ...args, '--systemd', '--root', root, '--config', config);

const configuration = () => `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 127.0.0.1, bindPort: ${ports.api}}
bootstrapTokens: [{token: abcdef.0123456789abcdef, ttl: 1h}]
nodeRegistration:
  name: control-plane-1
  kubeletExtraArgs: [{name: container-runtime-endpoint, value: simulated}]
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
encryptionAlgorithm: ECDSA-P256
controllerManager: {extraArgs: [{name: secure-port, value: "${ports.manager}"}]}
scheduler: {extraArgs: [{name: secure-port, value: "${ports.scheduler}"}]}
etcd:
  local:
    extraArgs:
    - {name: listen-client-urls, value: "https://127.0.0.1:${ports.client}"}
    - {name: advertise-client-urls, value: "https://127.0.0.1:${ports.client}"}
    - {name: listen-peer-urls, value: "https://127.0.0.1:${ports.peer}"}
    - {name: initial-advertise-peer-urls, value: "https://127.0.0.1:${ports.peer}"}
    - {name: initial-cluster, value: "control-plane-1=https://127.0.0.1:${ports.peer}"}
    - {name: listen-metrics-urls, value: "http://127.0.0.1:${ports.metrics}"}
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failSwapOn: false
address: 127.0.0.1
port: ${ports.kubelet}
healthzPort: ${ports.healthz}
`;

beforeAll(async () => {
  if (none) return;
  root = await mkdtemp(join(tmpdir(), 'keelson-install-'));
  config = join(root, 'kubeadm.yaml');
  const names = ['api', 'client', 'peer', 'metrics', 'manager', 'scheduler', 'kubelet', 'healthz'] as const;
  ports = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await freePort()]))) as typeof ports;
  await writeFile(config, configuration());
});

afterAll(async () => {
  for (const program of programs.toReversed()) await program.stop('SIGKILL');
  if (root) await rm(root, { recursive: true, force: true });
});

/** Starts what a unit says. */
function start(service: (typeof services)[number]): Program {
  const [command, ...args] = commandOf(at(`etc/systemd/system/${service}.service`));
  const program = startProgram(command!, args);
  programs.push(program);
  return program;
}

/** Asks until it is so. */
async function until<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean, seconds = 30): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ; ) {
    const answer = await ask();
    if (isSo(answer)) return answer;
    if (Date.now() > end) throw new Error(`still ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe.skipIf(none)(`keelson init${none ? `: ${none}` : ''}`, () => {
  let admin: Kubectl;

  test('writes all that is needed, and waits for somebody to start it', async () => {
    const output = await init();
    expect(output).toMatch(/^\[certs\] wrote .*pki\/ca\.crt and its key: kubernetes, until /m);
    expect(output).toMatch(/nothing here starts what is in .*: start that, then run this command again/);
    for (const name of await readdir(at('etc/kubernetes/pki'), { recursive: true })) {
      const { mode } = await stat(at(`etc/kubernetes/pki/${name}`));
      if (name.endsWith('.key')) expect(mode & 0o777, name).toBe(0o600);
    }
  });

  test('units are accepted by systemd, and hardened', async ({ skip }) => {
    const run = promisify(execFile);
    const analyze = (...args: string[]) => run('systemd-analyze', args);
    if (!(await analyze('--version').catch(() => undefined))) skip("Debian's package systemd is not installed");
    const units = services.map((service) => at(`etc/systemd/system/${service}.service`));
    const { stdout, stderr } = await analyze('verify', ...units);
    expect(stdout + stderr).toBe('');
    for (const unit of units.slice(0, -1)) await analyze('security', '--offline=true', '--threshold=30', unit);
  });

  test('what the units say is a control plane, which the same command then finishes', {
    timeout: 120_000,
  }, async () => {
    for (const service of services) start(service);
    const output = await init();
    expect(output).toContain('[wait-control-plane] the control plane is well');
    expect(output).toContain(`keelson join 127.0.0.1:${ports.api} --token abcdef.0123456789abcdef`);
    admin = kubectl(at('etc/kubernetes/admin.conf'));
    expect(await admin`auth whoami -o jsonpath={.status.userInfo.groups}`).toContain('kubeadm:cluster-admins');
  });

  test('the configuration is in the cluster', async () => {
    const kubeadm = await admin.json<ConfigMap>`-n kube-system get configmap kubeadm-config`;
    expect(kubeadm.data!.ClusterConfiguration).toContain('kind: ClusterConfiguration');
    const kubelet = await admin.json<ConfigMap>`-n kube-system get configmap kubelet-config`;
    expect(kubelet.data!.kubelet).toContain('clientCAFile: /etc/kubernetes/pki/ca.crt');
    const token = await admin.json<Secret>`-n kube-system get secret bootstrap-token-abcdef`;
    expect(token.type).toBe('bootstrap.kubernetes.io/token');
  });

  test('who has the token alone may ask for the certificate of a node, and read the configuration', async () => {
    const can = async (...what: string[]) => {
      const server = `https://127.0.0.1:${ports.api}`;
      const { stdout } = await admin.result({
        env: { KUBECONFIG: '/dev/null' },
      })`--server ${server} --insecure-skip-tls-verify --token abcdef.0123456789abcdef auth can-i ${what[0]!} ${what[1]!} -n kube-system`;
      return stdout.trim();
    };
    expect(await can('create', 'certificatesigningrequests')).toBe('yes');
    expect(await can('get', 'configmap/kubeadm-config')).toBe('yes');
    expect(await can('get', 'secrets')).toBe('no');
  });

  test('everybody may read where the cluster is, and who has the token knows that it is the one', {
    timeout: 60_000,
  }, async () => {
    const url = `https://127.0.0.1:${ports.api}/api/v1/namespaces/kube-public/configmaps/cluster-info`;
    const { stdout } = await promisify(execFile)('curl', ['-sk', url]);
    const info = JSON.parse(stdout) as ConfigMap;
    expect(info.data!.kubeconfig).toContain(`server: https://127.0.0.1:${ports.api}`);
    const ca = await readFile(at('etc/kubernetes/pki/ca.crt'));
    expect(info.data!.kubeconfig).toContain(ca.toString('base64'));
    await until(
      () => admin.json<ConfigMap>`-n kube-public get configmap cluster-info`,
      ({ data }) => data?.['jws-kubeconfig-abcdef'] !== undefined,
    );
  });

  test('the node is marked, and runs what tolerates that', async () => {
    const node = await admin.json<Node>`get node control-plane-1`;
    expect(node.metadata!.labels).toHaveProperty(['node-role.kubernetes.io/control-plane']);
    expect(node.spec!.taints).toContainEqual({ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' });
    const spec = {
      containers: [{ name: 'c', image: 'example.org/i' }],
      tolerations: [{ operator: 'Exists' }],
    };
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec };
    await until(
      () => admin.result({})`get serviceaccount default`,
      ({ code }) => code === 0,
    );
    await admin.with({ stdin: JSON.stringify(pod) })`create -f -`;
    await until(
      () => admin.json<Pod>`get pod p`,
      ({ status }) => status?.phase === 'Running',
    );
  });

  test('the proxy is a unit, with an account and a token of its own', async () => {
    const kubeconfig = at('var/lib/kube-proxy/kubeconfig.conf');
    const proxy = kubectl(kubeconfig);
    expect(await proxy`auth whoami -o jsonpath={.status.userInfo.username}`).toBe(
      'system:serviceaccount:kube-system:kube-proxy',
    );
    expect(await proxy`get services -A -o name`).toContain('service/kubernetes');
    expect((await proxy.result({})`auth can-i get secrets -n kube-system`).stdout).toBe('no\n');
    const [command, ...flags] = commandOf(at('etc/systemd/system/kube-proxy.service'));
    expect([command, ...flags]).toEqual([
      join(bin, 'kube-proxy'),
      `--config=${at('var/lib/kube-proxy/config.conf')}`,
      '--hostname-override=control-plane-1',
    ]);
    expect(await readFile(at('var/lib/kube-proxy/config.conf'), 'utf8')).toContain(`kubeconfig: ${kubeconfig}`);
  });

  test('certificates are renewed under the same authority, and told of', async () => {
    const before = await readFile(at('etc/kubernetes/pki/apiserver.crt'), 'utf8');
    await keelson('certs', 'renew', 'apiserver', 'admin.conf', '--root', root, '--config', config);
    expect(await readFile(at('etc/kubernetes/pki/apiserver.crt'), 'utf8')).not.toBe(before);
    expect(await admin`get --raw /readyz`).toBe('ok');
    const table = await keelson('certs', 'check-expiration', '--root', root, '--config', config);
    expect(table).toMatch(/^etcd-server +\d{4}-\d\d-\d\d \d\d:\d\d UTC +364d +etcd-ca +no$/m);
  });

  test('reset shows what would go, and with --force has it gone', async () => {
    await expect(keelson('reset', '--root', root)).rejects.toThrow(/etc\/kubernetes\/pki[\s\S]*give --force/);
    for (const program of programs.toReversed()) await program.stop('SIGKILL');
    await keelson('reset', '--root', root, '--force');
    const left = await readdir(root, { recursive: true, withFileTypes: true });
    const files = left.filter((entry) => entry.isFile() && !entry.parentPath.includes('/.kube'));
    expect(files.map(({ name }) => name)).toEqual(['kubeadm.yaml']);
  });
});
