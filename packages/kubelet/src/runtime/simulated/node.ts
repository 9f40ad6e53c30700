/**
 * One simulated node. While its Node has the annotation `keelson.dev/simulated-down: "true"` it is as if somebody had pulled
 * its plug: no lease, no status, no pod looked after. When it is taken away, its kubelet starts anew.
 */

import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import type { Client, EventRecorder } from '@keelson/client';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import { type Assembly, assemble } from '../../assembly.ts';
import { NodeAgent } from '../../node/agent.ts';
import type { NodeConfiguration, NodeFacts } from '../../node/description.ts';
import { simulatedPods } from './preparer.ts';
import { simulatedProbes } from './probes.ts';
import type { SimulatedRuntime } from './runtime.ts';

export interface SimulatedNodeOptions {
  /** Acts as the node. */
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly runtime: SimulatedRuntime;
  readonly configuration: NodeConfiguration;
  readonly facts: NodeFacts;
  readonly limit: <T>(call: () => Promise<T>) => Promise<T>;
}

const DOWN = 'keelson.dev/simulated-down';

const LEASE_SECONDS = 40;
/** Nothing changes by itself. */
const STATUS_MS = 300_000;

export class SimulatedNode {
  readonly name: string;
  readonly #options: SimulatedNodeOptions;
  #assembly: Assembly;
  #agent: NodeAgent;
  #isDown = false;

  constructor(options: SimulatedNodeOptions) {
    this.#options = options;
    this.name = options.configuration.name;
    [this.#agent, this.#assembly] = this.#kubelet();
  }

  get assembly(): Assembly {
    return this.#assembly;
  }

  /** Resolves when it is registered. */
  up(): Promise<void> {
    return this.#agent.start();
  }

  /** Containers go on. */
  down(): void {
    this.#agent.stop();
    this.#assembly.stop();
  }

  /** @param pods that are bound to it */
  observe(node: Node, pods: () => readonly Pod[]): void {
    const down = node.metadata.annotations?.[DOWN] === 'true';
    if (down && !this.#isDown) this.down();
    if (!down && this.#isDown) this.#startAnew(pods);
    this.#isDown = down;
    if (!down) this.#agent.observe(node);
  }

  put(pod: Pod): void {
    if (!this.#isDown) this.#assembly.manager.put(pod);
  }

  remove(pod: Pod): void {
    if (!this.#isDown) this.#assembly.manager.remove(pod);
  }

  wake(uid: string): void {
    this.#assembly.manager.wake(uid);
  }

  /** Whether anything of the pod is left for it to do. */
  knows(uid: string): boolean {
    const { manager } = this.#assembly;
    return manager.get(uid) !== undefined || manager.worker(uid) !== undefined;
  }

  #startAnew(pods: () => readonly Pod[]): void {
    const before = this.#assembly.manager.pods();
    [this.#agent, this.#assembly] = this.#kubelet();
    void this.#agent.start();
    const now = pods();
    for (const pod of now) this.#assembly.manager.put(pod);
    const gone = before.filter(({ metadata }) => !now.some((pod) => pod.metadata.uid === metadata.uid));
    for (const { metadata } of gone) void this.#removeContainers(metadata.uid!);
  }

  async #removeContainers(uid: string): Promise<void> {
    const { runtime } = this.#options;
    for (const { id } of (await runtime.pod(uid)).sandboxes) await runtime.removeSandbox(id);
  }

  #kubelet(): [NodeAgent, Assembly] {
    const { client, recorder, runtime, configuration, facts, limit } = this.#options;
    const agent = new NodeAgent({
      client,
      recorder,
      configuration,
      facts: () => Promise.resolve(facts),
      seen: () => {},
      statusMs: STATUS_MS,
      reportMs: STATUS_MS,
      leaseMs: LEASE_SECONDS * 250,
      leaseSeconds: LEASE_SECONDS,
      limit,
    });
    const assembly = assemble({
      client,
      recorder,
      runtime,
      runtimeName: facts.version.name,
      ...simulatedPods(),
      probes: simulatedProbes(runtime),
      hooks: { run: () => Promise.resolve() },
      images: { credentials: () => Promise.resolve([]), serialize: false },
      crashBackoff: {},
      isEnabled: isEnabledByDefault,
      recursiveReadOnly: true,
      hostIps: () => configuration.addresses,
      networkProblem: () => undefined,
      resyncMs: 0,
      node: () => agent.node,
      limit,
    });
    return [agent, assembly];
  }
}
