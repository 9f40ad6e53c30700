import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAuthority, issue } from '@keelson/cluster/pki/certificate';
import { type ApiClient, apiClient } from './api-client.ts';
import { kubeconfigFor } from './api-server.ts';
import { type Balancer, startBalancer } from './balancer.ts';
import { type Etcd, startCluster } from './etcd.ts';
import { createEtcdTls } from './etcd-tls.ts';
import { freePort, type Program, startProgram, untilReady } from './process.ts';

const bin = (name: string) => join(import.meta.dirname, '../../bin', name);

/** Several API servers behind a balancer, on three members of etcd; each can be ended and started again. */
export class Replicas {
  readonly #directory: string;
  readonly #flags: readonly string[];
  readonly #token = randomBytes(16).toString('hex');
  readonly #programs: (Program | undefined)[] = [];
  readonly #others: Program[] = [];
  #ports: readonly number[] = [];
  #files: readonly string[] = [];
  #balancer: Balancer | undefined;
  etcd: readonly Etcd[] = [];

  private constructor(directory: string, flags: readonly string[]) {
    this.#directory = directory;
    this.#flags = flags;
  }

  static async start(count: number, ...flags: string[]): Promise<Replicas> {
    const replicas = new Replicas(await mkdtemp(join(tmpdir(), 'keelson-replicas-')), flags);
    try {
      await replicas.#prepare(count);
      for (let i = 0; i < count; i++) await replicas.startServer(i);
      replicas.#balancer = await startBalancer(replicas.#ports);
      return replicas;
    } catch (error) {
      await replicas.stop();
      throw error;
    }
  }

  /** Where the balancer is. */
  get url(): string {
    return this.#balancer!.url;
  }

  get count(): number {
    return this.#ports.length;
  }

  /** Under which the others know a server. */
  addressOf(i: number): string {
    return `10.20.0.${i + 1}`;
  }

  /** Of all servers through the balancer, or of one. */
  client(i?: number): ApiClient {
    return apiClient(i === undefined ? this.url : `https://127.0.0.1:${this.#ports[i]}`, this.#token);
  }

  get kubeconfig(): string {
    return join(this.#directory, 'kubeconfig');
  }

  async startServer(i: number): Promise<void> {
    const port = this.#ports[i]!;
    const addresses = [`--secure-port=${port}`, '--bind-address=127.0.0.1', `--advertise-address=${this.addressOf(i)}`];
    const etcd = `--etcd-servers=${this.etcd.map(({ url }) => url).join(',')}`;
    const program = startProgram(bin('kube-apiserver'), [...addresses, etcd, ...this.#files, ...this.#flags]);
    this.#programs[i] = program;
    const client = this.client(i);
    await untilReady(program, async () => (await client.send('GET', '/readyz')).status === 200, 120);
    client.close();
  }

  /** @returns the exit code, or the signal that ended it */
  async stopServer(i: number, signal?: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    return this.#programs[i]!.stop(signal);
  }

  /** A component that speaks to the balancer as an administrator. */
  async run(name: string, ...flags: string[]): Promise<Program> {
    await writeFile(this.kubeconfig, JSON.stringify(kubeconfigFor(this.url, this.#authority, { token: this.#token })));
    const program = startProgram(bin(name), ['--kubeconfig', this.kubeconfig, '--secure-port=0', ...flags]);
    this.#others.push(program);
    return program;
  }

  output(i: number): string {
    return this.#programs[i]!.output();
  }

  async stop(): Promise<void> {
    await this.#balancer?.stop();
    await Promise.all([...this.#others, ...this.#programs].map((program) => program?.stop('SIGKILL')));
    await Promise.all(this.etcd.map((member) => member.stop()));
    await rm(this.#directory, { recursive: true, force: true });
  }

  #authority = '';

  async #prepare(count: number): Promise<void> {
    const path = (name: string) => join(this.#directory, name);
    const now = new Date();
    const authority = await createAuthority('kubernetes', now);
    const serving = await issue(
      { commonName: 'kube-apiserver', usage: 'server', names: ['127.0.0.1'] },
      authority,
      now,
    );
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const files = {
      'apiserver.crt': serving.certificate,
      'apiserver.key': serving.key,
      'sa.key': privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
      'tokens.csv': `${this.#token},admin,admin-uid,system:masters\n`,
    };
    for (const [name, content] of Object.entries(files)) await writeFile(path(name), content);
    const tls = await createEtcdTls(this.#directory);
    this.etcd = await startCluster(3, { tls });
    this.#authority = authority.certificate;
    this.#ports = await Promise.all(Array.from({ length: count }, () => freePort()));
    this.#files = [
      `--etcd-cafile=${tls.caFile}`,
      `--etcd-certfile=${tls.certFile}`,
      `--etcd-keyfile=${tls.keyFile}`,
      `--tls-cert-file=${path('apiserver.crt')}`,
      `--tls-private-key-file=${path('apiserver.key')}`,
      `--token-auth-file=${path('tokens.csv')}`,
      '--authorization-mode=Node,RBAC',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${path('sa.key')}`,
      `--service-account-signing-key-file=${path('sa.key')}`,
      '--service-cluster-ip-range=10.96.0.0/16',
    ];
  }
}
