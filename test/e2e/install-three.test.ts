import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Kubectl, kubectl } from '../support/kubectl.ts';
import { freePort, outputOf, type Program, startProgram } from '../support/process.ts';
import { missing, tool } from '../support/tools.ts';
import { commandOf } from '../support/units.ts';

const bin = join(import.meta.dirname, '../../bin');
const none = missing('etcd') ?? missing('kubectl');
const services = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;

/** What all machines have of each other, as docs/install.md says. */
const shared = [
  'ca.crt',
  'ca.key',
  'front-proxy-ca.crt',
  'front-proxy-ca.key',
  'etcd/ca.crt',
  'etcd/ca.key',
  'sa.key',
  'sa.pub',
];

interface Machine {
  readonly name: string;
  readonly address: string;
  readonly root: string;
  readonly config: string;
  /** What runs; undefined once it is lost. */
  programs: Program[] | undefined;
}

let folder: string;
let machines: Machine[];
let ports: { api: number; client: number; peer: number };

function keelson(...args: string[]): Promise<string> {
  const env = { PATH: [dirname(tool('etcd')), process.env.PATH].join(delimiter) };
  return outputOf(startProgram(join(bin, 'keelson'), args, { env }), `keelson ${args.join(' ')}`);
}

const init = ({ root, config }: Machine, ...args: string[]) =>
  keelson('init', ...args, '--systemd', '--root', root, '--config', config);

const configuration = async ({ name, address }: Machine) => `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: ${address}, bindPort: ${ports.api}}
bootstrapTokens: [{token: abcdef.0123456789abcdef}]
nodeRegistration: {name: ${name}}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
encryptionAlgorithm: ECDSA-P256
controlPlaneEndpoint: 127.0.0.1:${ports.api}
apiServer: {extraArgs: [{name: bind-address, value: ${address}}]}
controllerManager: {extraArgs: [{name: secure-port, value: "${await freePort()}"}]}
scheduler: {extraArgs: [{name: secure-port, value: "${await freePort()}"}]}
etcd:
  local:
    extraArgs:
    - {name: initial-cluster, value: "${machines.map((each) => `${each.name}=https://${each.address}:${ports.peer}`).join(',')}"}
    - {name: listen-client-urls, value: "https://${address}:${ports.client}"}
    - {name: advertise-client-urls, value: "https://${address}:${ports.client}"}
    - {name: listen-peer-urls, value: "https://${address}:${ports.peer}"}
    - {name: initial-advertise-peer-urls, value: "https://${address}:${ports.peer}"}
    - {name: listen-metrics-urls, value: "http://${address}:${await freePort()}"}
`;

beforeAll(async () => {
  if (none) return;
  folder = await mkdtemp(join(tmpdir(), 'keelson-three-'));
  ports = { api: await freePort(), client: await freePort(), peer: await freePort() };
  machines = [1, 2, 3].map((number) => ({
    name: `machine-${number}`,
    address: `127.0.0.${number}`,
    root: join(folder, String(number)),
    config: join(folder, `${number}.yaml`),
    programs: undefined,
  }));
  for (const machine of machines) await writeFile(machine.config, await configuration(machine));
});

afterAll(async () => {
  for (const machine of machines ?? []) await stop(machine);
  if (folder) await rm(folder, { recursive: true, force: true });
});

async function stop(machine: Machine): Promise<void> {
  const { programs = [] } = machine;
  machine.programs = undefined;
  await Promise.all(programs.map((program) => program.stop('SIGKILL')));
}

/** As its units say: what ends is started anew. */
function start(machine: Machine): void {
  const programs: Program[] = [];
  machine.programs = programs;
  const run = (service: (typeof services)[number], i: number) => {
    const [command, ...args] = commandOf(join(machine.root, `etc/systemd/system/${service}.service`));
    const program = startProgram(command!, args);
    programs[i] = program;
    void program.exited.then((code) => {
      if (machine.programs !== programs) return;
      console.warn(`${machine.name}: ${service} ended (${code}), starts anew:\n${program.output().slice(-500)}`);
      run(service, i);
    });
  };
  services.forEach(run);
}

/** A machine that is lost takes leaders with it: of etcd, of the controllers. */
const PATIENCE = { timeout: 60_000, interval: 200 };

const serverOf = ({ address }: Machine) => `https://${address}:${ports.api}`;

describe.skipIf(none)(`keelson init on three machines${none ? `: ${none}` : ''}`, () => {
  let admin: Kubectl;

  test('they have their authorities in common, and finish when a majority of them runs', {
    timeout: 240_000,
  }, async () => {
    const [first, ...others] = machines;
    await init(first!, 'phase', 'certs');
    for (const { root } of others)
      for (const name of shared) {
        const to = join(root, 'etc/kubernetes/pki', name);
        await mkdir(dirname(to), { recursive: true });
        await cp(join(first!.root, 'etc/kubernetes/pki', name), to);
      }
    for (const machine of machines) expect(await init(machine)).toContain('start that, then run this command again');
    for (const machine of machines) start(machine);
    for (const machine of machines)
      expect(await init(machine, '--skip-phases', 'mark-control-plane')).toContain('Other machines join it by');
    admin = kubectl(join(first!.root, 'etc/kubernetes/admin.conf'));
  });

  test('what one of them is told, all know', { timeout: 90_000 }, async () => {
    const [first, second, third] = machines.map(serverOf);
    await admin`--server ${first!} create namespace told`;
    for (const server of [second!, third!])
      expect(await admin`--server ${server} get namespace told -o name`).toBe('namespace/told\n');
    const lease = await vi.waitFor(
      () => admin.json<Lease>`--server ${third!} -n kube-system get lease kube-controller-manager`,
      PATIENCE,
    );
    expect(lease.spec!.holderIdentity).toBeTruthy();
  });

  test('one of them lost, the others go on', { timeout: 120_000 }, async () => {
    const [first, second, third] = machines;
    await stop(first!);
    await vi.waitFor(() => admin`--server ${serverOf(second!)} create configmap after --from-literal=a=b`, PATIENCE);
    const read = () => admin`--server ${serverOf(third!)} get configmap after -o jsonpath={.data.a}`;
    expect(await vi.waitFor(read, PATIENCE)).toBe('b');
  });
});
