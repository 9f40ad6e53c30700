/**
 * A runtime without containers. What it is told to run is a few fields and at most one timer each; nothing is polled. One
 * serves any number of nodes.
 */
import { Readable, Writable } from 'node:stream';
import type { Clock } from '@keelson/api/clock';
import type { ContainerConfig, ContainerState, ContainerStatus } from '../container.ts';
import type { Image, ImageSpec } from '../images.ts';
import type { LinuxResources } from '../linux.ts';
import { type PodListing, type PodState, type Runtime, RuntimeError, type RuntimeStatus } from '../runtime.ts';
import type { SandboxConfig, SandboxStatus } from '../sandbox.ts';
import type { PodStats } from '../stats.ts';
import type { ExecResult, Session } from '../streams.ts';
import { type Behaviour, behaviourOf } from './behaviour.ts';
import { RESTART_POLICY, ROLE } from './preparer.ts';

interface Sandbox {
  readonly id: string;
  readonly config: SandboxConfig;
  readonly createdAt: number;
  readonly ips: readonly string[];
  readonly containers: Container[];
  ready: boolean;
}

interface Container {
  readonly id: string;
  readonly sandbox: Sandbox;
  readonly config: ContainerConfig;
  readonly createdAt: number;
  readonly behaviour: Behaviour;
  state: ContainerState;
  resources: LinuxResources;
  cancel: () => void;
  cancelReady: () => void;
}

const VERSION = '0.1.0';

export class SimulatedRuntime implements Runtime {
  readonly #clock: Clock;
  readonly #pods = new Map<string, Sandbox[]>();
  readonly #sandboxes = new Map<string, Sandbox>();
  readonly #containers = new Map<string, Container>();
  readonly #listeners = new Set<(podUid: string) => void>();
  #serial = 0;
  #lastAddress = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async version() {
    return { name: 'simulated', version: VERSION };
  }

  async status(): Promise<RuntimeStatus> {
    const well = { ok: true, reason: '', message: '' };
    return {
      conditions: [
        { type: 'RuntimeReady', ...well },
        { type: 'NetworkReady', ...well },
      ],
      handlers: [{ name: '', recursiveReadOnlyMounts: true, userNamespaces: true }],
      supplementalGroupsPolicy: true,
    };
  }

  async list(): Promise<PodListing[]> {
    return [...this.#pods].map(([uid, sandboxes]) => {
      const { name, namespace } = sandboxes[0]!.config.metadata;
      return {
        uid,
        name,
        namespace,
        sandboxes: sandboxes.map(({ id, ready, createdAt }) => ({ id, ready, createdAt })),
        containers: sandboxes.flatMap(({ containers }) =>
          containers.map(({ id, sandbox, config, state, createdAt }) => ({
            id,
            sandboxId: sandbox.id,
            name: config.metadata.name,
            attempt: config.metadata.attempt,
            imageId: config.image.image,
            state: state.type,
            createdAt,
          })),
        ),
      };
    });
  }

  async pod(uid: string): Promise<PodState> {
    const sandboxes = this.#pods.get(uid) ?? [];
    return {
      sandboxes: sandboxes.map(sandboxStatus),
      containers: sandboxes.flatMap(({ containers }) => containers.map(containerStatus)),
    };
  }

  subscribe(changed: (podUid: string) => void): () => void {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  }

  async runSandbox(config: SandboxConfig): Promise<string> {
    const hostNetwork = config.linux.security.namespaces.network === 'node';
    const sandbox: Sandbox = {
      id: this.#id('5'),
      config,
      createdAt: this.#clock.now(),
      ips: hostNetwork ? [] : [this.#address()],
      containers: [],
      ready: true,
    };
    const { uid } = config.metadata;
    this.#sandboxes.set(sandbox.id, sandbox);
    this.#pods.set(uid, [sandbox, ...(this.#pods.get(uid) ?? [])]);
    this.#tell(sandbox);
    return sandbox.id;
  }

  async stopSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox?.ready) return;
    for (const container of sandbox.containers) this.#end(container, 137, 'Error');
    sandbox.ready = false;
    this.#tell(sandbox);
  }

  async removeSandbox(id: string): Promise<void> {
    const sandbox = this.#sandboxes.get(id);
    if (!sandbox) return;
    for (const container of [...sandbox.containers]) await this.removeContainer(container.id);
    this.#sandboxes.delete(id);
    const { uid } = sandbox.config.metadata;
    const left = (this.#pods.get(uid) ?? []).filter((each) => each !== sandbox);
    if (left.length > 0) this.#pods.set(uid, left);
    else this.#pods.delete(uid);
    this.#tell(sandbox);
  }

  async updateSandbox(): Promise<void> {}

  /** What a readiness probe would find. */
  isReady(id: string): boolean {
    const container = this.#containers.get(id);
    if (container?.state.type !== 'running') return false;
    return this.#clock.now() >= container.state.startedAt + container.behaviour.readyMs;
  }

  async createContainer(sandboxId: string, config: ContainerConfig): Promise<string> {
    const sandbox = this.#sandboxes.get(sandboxId);
    if (!sandbox?.ready) throw new RuntimeError('NotFound', `sandbox ${sandboxId} is not there`);
    const role = (config.annotations[ROLE] ?? 'regular') as 'regular';
    const policy = config.annotations[RESTART_POLICY] ?? 'Always';
    const container: Container = {
      id: this.#id('c'),
      sandbox,
      config,
      createdAt: this.#clock.now(),
      behaviour: behaviourOf(sandbox.config.annotations, config.metadata.name, role, policy),
      state: { type: 'created' },
      resources: config.linux.resources,
      cancel: () => {},
      cancelReady: () => {},
    };
    this.#containers.set(container.id, container);
    sandbox.containers.unshift(container);
    return container.id;
  }

  async startContainer(id: string): Promise<void> {
    const container = this.#container(id);
    const { startMs, runMs, readyMs, exitCode, oom } = container.behaviour;
    if (startMs > 0) await new Promise<void>((resolve) => this.#clock.after(startMs, resolve, { background: true }));
    if (container.state.type !== 'created') return;
    container.state = { type: 'running', startedAt: this.#clock.now() };
    if (runMs !== undefined) {
      const reason = oom ? 'OOMKilled' : exitCode === 0 ? 'Completed' : 'Error';
      container.cancel = this.#clock.after(runMs, () => this.#end(container, exitCode, reason), { background: true });
    }
    if (readyMs > 0) {
      container.cancelReady = this.#clock.after(readyMs, () => this.#tell(container.sandbox), { background: true });
    }
    this.#tell(container.sandbox);
  }

  async stopContainer(id: string, graceSeconds: number): Promise<void> {
    const container = this.#containers.get(id);
    if (container?.state.type !== 'running') return;
    const { stopMs } = container.behaviour;
    const graceMs = graceSeconds * 1000;
    if (stopMs > 0) {
      await new Promise<void>((resolve) => this.#clock.after(Math.min(stopMs, graceMs), resolve, { background: true }));
    }
    // A process that ends when it is asked ends well, as most do.
    if (stopMs <= graceMs) this.#end(container, 0, 'Completed');
    else this.#end(container, 137, 'Error');
  }

  async removeContainer(id: string): Promise<void> {
    const container = this.#containers.get(id);
    if (!container) return;
    container.cancel();
    container.cancelReady();
    this.#containers.delete(id);
    const { containers } = container.sandbox;
    containers.splice(containers.indexOf(container), 1);
    this.#tell(container.sandbox);
  }

  async updateContainer(id: string, resources: LinuxResources): Promise<void> {
    const container = this.#container(id);
    container.resources = { ...container.resources, ...resources };
  }

  async checkpointContainer(): Promise<void> {
    throw new RuntimeError('Unimplemented', 'containers that are simulated have no memory');
  }

  async reopenLog(): Promise<void> {}

  async images(): Promise<Image[]> {
    return [];
  }

  /** Every image is there. */
  async image({ image }: ImageSpec): Promise<Image | undefined> {
    return { id: imageId(image), tags: [image], digests: [], size: 0, uid: 0, username: '', pinned: false };
  }

  async pullImage({ image }: ImageSpec, _credentials: unknown, { annotations }: SandboxConfig): Promise<string> {
    const { pullError } = behaviourOf(annotations, '', 'regular', 'Always');
    if (pullError !== undefined) throw new RuntimeError('Failed', pullError);
    return imageId(image);
  }

  async removeImage(): Promise<void> {}

  async imageFilesystems() {
    return [];
  }

  async execSync(): Promise<ExecResult> {
    return { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), exitCode: 0 };
  }

  async exec(id: string): Promise<Session> {
    const { config } = this.#container(id);
    return session(
      `Container ${config.metadata.name} is simulated: there is nothing in it that could run a command.\n`,
      1,
    );
  }

  async attach(id: string): Promise<Session> {
    const { config } = this.#container(id);
    return session(`Container ${config.metadata.name} is simulated: it has no output.\n`, 0);
  }

  async portForward(): Promise<never> {
    throw new RuntimeError('Unimplemented', 'the pod is simulated: nobody listens on its ports');
  }

  async stats(): Promise<PodStats[]> {
    const at = this.#clock.now();
    return [...this.#pods.values()].map(([sandbox]) => {
      const { uid, name, namespace } = sandbox!.config.metadata;
      return {
        uid,
        name,
        namespace,
        containers: sandbox!.containers.filter(isRunning).map((each) => statsOf(each, at)),
      };
    });
  }

  async setPodCidrs(): Promise<void> {}

  async close(): Promise<void> {
    for (const { cancel, cancelReady } of this.#containers.values()) {
      cancel();
      cancelReady();
    }
  }

  #end(container: Container, exitCode: number, reason: string): void {
    container.cancel();
    container.cancelReady();
    const { state } = container;
    if (state.type !== 'running') return;
    const finishedAt = this.#clock.now();
    container.state = { type: 'exited', startedAt: state.startedAt, finishedAt, exitCode, reason, message: '' };
    this.#tell(container.sandbox);
  }

  #container(id: string): Container {
    const container = this.#containers.get(id);
    if (!container) throw new RuntimeError('NotFound', `container ${id} is not there`);
    return container;
  }

  #tell(sandbox: Sandbox): void {
    for (const changed of this.#listeners) changed(sandbox.config.metadata.uid);
  }

  /** As long as containerd's. */
  #id(first: string): string {
    return `${first}${(++this.#serial).toString(16).padStart(63, '0')}`;
  }

  /** Of 10.128.0.0/9, one after the other. */
  #address(): string {
    this.#lastAddress = (this.#lastAddress % (2 ** 23 - 2)) + 1;
    const n = this.#lastAddress;
    return `10.${128 + (n >>> 16)}.${(n >>> 8) & 255}.${n & 255}`;
  }
}

const isRunning = ({ state }: Container) => state.type === 'running';

const imageId = (image: string) => `simulated://${image}`;

function sandboxStatus({ id, config, ready, createdAt, ips }: Sandbox): SandboxStatus {
  const { metadata, labels, annotations, runtimeHandler, linux } = config;
  const hostNetwork = linux.security.namespaces.network === 'node';
  const state = ready ? 'ready' : 'notReady';
  return { id, metadata, state, createdAt, ips, hostNetwork, labels, annotations, runtimeHandler };
}

function containerStatus({ id, sandbox, config, state, createdAt }: Container): ContainerStatus {
  const { metadata, labels, annotations } = config;
  const image = config.image.userSpecified;
  const at = state.type === 'running' || state.type === 'exited' ? state.startedAt : createdAt;
  return {
    id,
    sandboxId: sandbox.id,
    metadata,
    state,
    createdAt,
    image,
    imageRef: imageId(image),
    labels,
    annotations,
    log: {
      type: 'lines',
      lines: [{ at, stream: 'stdout', text: `Container ${metadata.name} of ${image} is simulated.` }],
    },
    mounts: [],
  };
}

function statsOf({ id, config, state, behaviour }: Container, at: number) {
  const { cpuNanoCores, memoryBytes } = behaviour;
  const startedAt = state.type === 'running' ? state.startedAt : at;
  return {
    id,
    name: config.metadata.name,
    cpu: { at, nanoCores: cpuNanoCores, coreNanoseconds: Math.round((cpuNanoCores * (at - startedAt)) / 1000) },
    memory: { at, workingSetBytes: memoryBytes, usageBytes: memoryBytes, rssBytes: memoryBytes },
  };
}

function session(text: string, exitCode: number): Session {
  return {
    stdin: new Writable({ write: (_chunk, _encoding, done) => done() }),
    stdout: Readable.from([]),
    stderr: Readable.from([Buffer.from(text)]),
    resize: () => {},
    exit: Promise.resolve(exitCode),
    close: () => {},
  };
}
