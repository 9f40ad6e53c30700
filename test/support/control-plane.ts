import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, connect, loadKubeconfig, systemWorld } from '@keelson/client';
import { freePort, type Program, startProgram, untilReady } from './process.ts';

/** A part that is started again whenever it ends by itself, as a node does with the pods of a control plane. */
export interface Part {
  /** How often it was started again. */
  readonly restarts: number;
  output(): string;
  /** Ends it for good. */
  kill(): Promise<void>;
}

const bin = (name: string) => join(import.meta.dirname, '../../bin', name);

/** A cluster whose parts are processes, each with a certificate of its own, to be killed and started again one by one. */
export class ControlPlane {
  readonly #directory: string;
  readonly #port: number;
  readonly #flags: readonly string[];
  readonly #parts: Part[] = [];
  #server: Program | undefined;
  #admin: Client | undefined;

  private constructor(directory: string, port: number, flags: readonly string[]) {
    this.#directory = directory;
    this.#port = port;
    this.#flags = flags;
  }

  /** An API server, and nothing around it. @param flags of `keelson up` besides */
  static async start(...flags: string[]): Promise<ControlPlane> {
    const directory = await mkdtemp(join(tmpdir(), 'keelson-parts-'));
    const plane = new ControlPlane(directory, await freePort(), flags);
    try {
      await plane.startServer();
      const config = await loadKubeconfig(join(plane.#data, 'kubeconfig'));
      plane.#admin = connect(config, { component: 'test', world: systemWorld() });
      return plane;
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  /** May do all. */
  get admin(): Client {
    return this.#admin!;
  }

  get #data(): string {
    return join(this.#directory, 'data');
  }

  async startServer(): Promise<void> {
    const alone = ['--no-node', '--no-scheduler', '--no-controllers'];
    const where = ['--data-dir', this.#data, `--secure-port=${this.#port}`];
    const server = startProgram(bin('keelson'), ['up', ...where, ...alone, ...this.#flags]);
    this.#server = server;
    await untilReady(server, async () => server.output().includes('is ready'), 120);
  }

  async killServer(): Promise<void> {
    await this.#server!.stop('SIGKILL');
  }

  scheduler(...flags: string[]): Promise<Part> {
    return this.#run('kube-scheduler', 'kube-scheduler', '--secure-port=0', ...flags);
  }

  controllerManager(...flags: string[]): Promise<Part> {
    const ca = ['--root-ca-file', this.#pki('ca.crt'), '--cluster-signing-cert-file', this.#pki('ca.crt')];
    const keys = ['--cluster-signing-key-file', this.#pki('ca.key'), '--use-service-account-credentials'];
    const name = 'kube-controller-manager';
    return this.#run(name, name, '--secure-port=0', ...ca, ...keys, ...flags);
  }

  /** The node of this machine, with simulated containers. */
  async kubelet(...flags: string[]): Promise<Part> {
    const root = ['--root-dir', join(this.#directory, 'kubelet'), '--cert-dir', join(this.#directory, 'kubelet-pki')];
    const ports = ['--port', String(await freePort()), '--healthz-port=0', '--client-ca-file', this.#pki('ca.crt')];
    const node = ['--hostname-override', hostname().toLowerCase(), '--container-runtime-endpoint', 'simulated'];
    // The machine of a test may be as full as it likes.
    const disk = ['--eviction-hard=nodefs.available<0%'];
    return this.#run('kubelet', 'kubelet-client', ...root, ...ports, ...node, ...disk, ...flags);
  }

  /** What all that ran around the API server has said. */
  output(): string {
    return this.#parts.map((part) => part.output()).join('\n');
  }

  async stop(): Promise<void> {
    this.#admin?.close();
    await Promise.all([...this.#parts.map((part) => part.kill()), this.#server?.stop('SIGKILL')]);
    await rm(this.#directory, { recursive: true, force: true });
  }

  #pki(file: string): string {
    return join(this.#data, 'pki', file);
  }

  async #run(name: string, certificate: string, ...flags: string[]): Promise<Part> {
    const server = { server: `https://127.0.0.1:${this.#port}`, 'certificate-authority': this.#pki('ca.crt') };
    const user = {
      'client-certificate': this.#pki(`${certificate}.crt`),
      'client-key': this.#pki(`${certificate}.key`),
    };
    const kubeconfig = join(this.#directory, `${name}.conf`);
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: server }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    };
    await writeFile(kubeconfig, JSON.stringify(config));
    const part = supervised(() => startProgram(bin(name), ['--kubeconfig', kubeconfig, ...flags]));
    this.#parts.push(part);
    return part;
  }
}

function supervised(start: () => Program): Part {
  const outputs: (() => string)[] = [];
  let program: Program;
  let isOver = false;
  const run = () => {
    program = start();
    outputs.push(program.output);
    void program.exited.then(async () => {
      await sleep(RESTART_MS);
      if (!isOver) run();
    });
  };
  run();
  return {
    get restarts() {
      return outputs.length - 1;
    },
    output: () => outputs.map((output) => output()).join('\n'),
    kill: async () => {
      isOver = true;
      await program.stop('SIGKILL');
    },
  };
}

const RESTART_MS = 100;
