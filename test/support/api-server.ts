import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Etcd, startEtcd } from './etcd.ts';
import { freePort, type Program, startProgram, untilReady } from './process.ts';
import { missing } from './tools.ts';

export type Storage = 'lmdb' | 'memory' | 'etcd';

/** An API server of its own for a test file, as an administrator with a bearer token uses it. */
export interface ApiServer {
  readonly url: string;
  readonly token: string;
  /** Path of a kubeconfig for the administrator. */
  readonly kubeconfig: string;
  /** The certificates that the serving certificate is checked with, PEM; none where `args` name another one. */
  readonly ca: string;
  /** The one that runs, or ran last. */
  readonly program: Program;
  /** A scratch directory that goes with the server. */
  readonly directory: string;
  /**
   * Once the program has ended: starts it again at its address, on its data.
   * @param check that passes before this resolves; `/readyz` by default
   */
  restart(check?: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The engines that end-to-end tests run on, and why one is left out. KUBE_APISERVER names another binary to test with
 * the same tests: upstream's own, which proves the tests.
 */
export const storages: readonly { storage: Storage; skip: string | undefined }[] =
  process.env.KUBE_APISERVER === undefined
    ? [
        { storage: 'lmdb', skip: undefined },
        { storage: 'etcd', skip: missing('etcd') },
      ]
    : [{ storage: 'etcd', skip: missing('etcd') }];

/** Ours, whatever the tests run with. */
export const ownBinary = join(import.meta.dirname, '../../bin/kube-apiserver');
const binary = process.env.KUBE_APISERVER ?? ownBinary;

/**
 * @param more flags, for the port if they depend on it
 * @param shared an etcd that others use too, and that stays; its URL may be several, comma separated
 * @param command what is started
 */
export async function startApiServer(
  storage: Storage,
  more: readonly string[] | ((port: number) => readonly string[]) = [],
  shared?: Pick<Etcd, 'url'>,
  command = binary,
): Promise<ApiServer> {
  const directory = await mkdtemp(join(tmpdir(), 'keelson-test-'));
  const port = await freePort();
  const args = typeof more === 'function' ? more(port) : more;
  const url = `https://127.0.0.1:${port}`;
  const token = randomBytes(16).toString('hex');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(join(directory, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
  await writeFile(join(directory, 'tokens.csv'), `${token},admin,admin-uid,system:masters\n`);
  const own = storage === 'etcd' && shared === undefined ? await startEtcd() : undefined;
  const etcd = shared ?? own;
  const store = {
    etcd: () => [`--etcd-servers=${etcd!.url}`],
    lmdb: () => [`--data-dir=${join(directory, 'db')}`],
    memory: () => ['--storage=memory'],
  };
  const has = (flag: string) => args.some((arg) => arg.startsWith(`--${flag}=`));
  const flags = [
    ...store[storage](),
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    `--cert-dir=${join(directory, 'certs')}`,
    `--token-auth-file=${join(directory, 'tokens.csv')}`,
    ...(has('authorization-config') ? [] : ['--authorization-mode=Node,RBAC']),
    '--service-account-issuer=https://kubernetes.default.svc',
    ...(has('service-account-signing-endpoint') ? [] : keyFlags(join(directory, 'sa.key'))),
    '--service-cluster-ip-range=10.96.0.0/16',
    ...args,
  ];
  let program: Program;
  const run = async (check = '/readyz') => {
    program = startProgram(command, flags);
    await untilReady(program, () => passes(url + check));
  };
  const stop = async () => {
    await program.stop();
    await own?.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await run();
    const ca = await readFile(join(directory, 'certs/apiserver.crt'), 'utf8').catch(() => '');
    const kubeconfig = join(directory, 'kubeconfig');
    await writeFile(kubeconfig, JSON.stringify(kubeconfigFor(url, ca, { token })));
    return {
      url,
      token,
      kubeconfig,
      ca,
      get program() {
        return program;
      },
      directory,
      restart: run,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const keyFlags = (file: string) => [`--service-account-key-file=${file}`, `--service-account-signing-key-file=${file}`];

/** A kubeconfig (JSON is YAML) of one cluster and one user. */
export function kubeconfigFor(server: string, ca: string, user: object): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': btoa(ca) } }],
    users: [{ name: 'test', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  };
}

function passes(check: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    get(check, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).once('error', reject);
  });
}
