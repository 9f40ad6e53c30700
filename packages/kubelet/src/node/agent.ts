/**
 * Keeps the Node object and its lease: registers it, renews the lease every so often, and tells its status when it is
 * another, or when five minutes have passed (pkg/kubelet/kubelet_node_status.go).
 */
import type { Node, NodeStatus } from '@keelson/api/generated/types/core/v1';
import { isExtendedResource } from '@keelson/api/resources/names';
import { formatTime } from '@keelson/api/time';
import { type Client, type EventRecorder, hasReason } from '@keelson/client';
import { Mutex } from '@keelson/component/promises';
import { same } from '../status/merge.ts';
import { defaultLabels, describeNode, describeStatus, type NodeConfiguration, type NodeFacts } from './description.ts';
import { NodeLease } from './lease.ts';

export interface NodeAgentOptions {
  readonly client: Client;
  readonly recorder: EventRecorder;
  readonly configuration: NodeConfiguration;
  /** As it is now. */
  facts(): Promise<NodeFacts>;
  /** The node is there: what it cannot be ready without is made now. @throws Error it is tried again */
  registered?(): Promise<void>;
  /** The node as it was seen last. */
  readonly seen: (node: Node) => void;
  /** How often its status is looked at, and how often it is told at least. */
  readonly statusMs: number;
  readonly reportMs: number;
  readonly leaseMs: number;
  readonly leaseSeconds: number;
  /** The machine is another than that of which the API server knows: it has no devices until plugins say so. */
  readonly isNew?: boolean | undefined;
  /** Bounds how many calls are under way. */
  readonly limit?: <T>(call: () => Promise<T>) => Promise<T>;
}

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 7_000;

export class NodeAgent {
  readonly #options: NodeAgentOptions;
  readonly #lease: NodeLease;
  readonly #cancels = new Set<() => void>();
  readonly #updates = new Mutex();
  #node: Node | undefined;
  #reportedAt = 0;
  #stopped = false;
  #isCorrecting = false;

  constructor(options: NodeAgentOptions) {
    this.#options = options;
    const { client, configuration, leaseSeconds } = options;
    this.#lease = new NodeLease({ client, nodeName: configuration.name, durationSeconds: leaseSeconds });
  }

  get node(): Node | undefined {
    return this.#node;
  }

  /** Somebody else has the node as it is. Where nobody knows whether it is ready, that is told at once. */
  observe(node: Node): void {
    if (node.metadata.uid === this.#node?.metadata.uid || !this.#node) this.#node = node;
    if (isGivenUp(this.#node) && !this.#isCorrecting) void this.#correct();
  }

  /** Registers the node, trying until the API server takes it; then it is kept. @returns when it is registered */
  async start(): Promise<void> {
    const { client, recorder, configuration, statusMs, leaseMs } = this.#options;
    const { clock, log, random } = client.world;
    for (let pause = FIRST_PAUSE_MS; !this.#stopped; pause = Math.min(MAX_PAUSE_MS, pause * 2)) {
      try {
        await this.#limited(() => this.#register());
        await this.#limited(() => this.#lease.renew(this.#node));
        break;
      } catch (error) {
        log.warn({ node: configuration.name, error }, 'Unable to register the node with the API server');
        await new Promise<void>((resolve) => clock.after(pause, resolve));
      }
    }
    if (this.#stopped) return;
    recorder.event(nodeReference(configuration.name), 'Normal', 'Starting', 'Starting kubelet.');
    // Nodes that start together do not stay in step.
    this.#every(leaseMs, leaseMs * random(), () => this.#lease.renew(this.#node));
    this.#every(statusMs, statusMs * random(), () => this.update());
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancels) cancel();
  }

  /** Tells the node's status where there is something to tell; what was told later is never taken back by what was found before. */
  update(): Promise<void> {
    return this.#updates.run(() => this.#update());
  }

  async #update(): Promise<void> {
    const { client, configuration, facts, reportMs } = this.#options;
    const now = client.world.clock.now();
    const nodes = client.resource('nodes');
    const node = this.#node ?? (await nodes.get({ name: configuration.name }));
    const found = await facts();
    const status = describeStatus(configuration, found, node.status, formatTime(new Date(now)));
    await this.#keepLabels(node, found);
    if (now - this.#reportedAt < reportMs && !hasChanged(node.status, status)) return;
    try {
      const patch = { status: patchOf(node.status, status) };
      const told = await nodes.patch({ name: configuration.name }, 'strategic', patch, { subresource: 'status' });
      this.#tellTransitions(node.status, status);
      this.#saw(told);
      this.#reportedAt = now;
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      // Somebody has deleted it: it is not for the kubelet to make it again before it starts anew.
      this.#node = undefined;
      throw error;
    }
  }

  async #register(): Promise<void> {
    const { client, configuration, facts, registered } = this.#options;
    const { clock } = client.world;
    const nodes = client.resource('nodes');
    const found = await facts();
    const node = describeNode(configuration, found, formatTime(new Date(clock.now())));
    try {
      this.#saw(await nodes.create(node));
      this.#reportedAt = clock.now();
      if (!registered) return;
      await registered();
      await this.update();
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
      this.#saw(await nodes.get({ name: configuration.name }));
      const labels = { ...configuration.labels };
      const annotations = node.metadata.annotations ?? {};
      const missing = (wanted: Record<string, string>, have: Record<string, string> | undefined) =>
        Object.entries(wanted).some(([name, value]) => have?.[name] !== value);
      if (missing(labels, this.#node!.metadata.labels) || missing(annotations, this.#node!.metadata.annotations)) {
        this.#saw(await nodes.patch({ name: configuration.name }, 'merge', { metadata: { labels, annotations } }));
      }
      this.#reportedAt = 0;
      await registered?.();
      if (this.#options.isNew) this.#node = withoutDevices(this.#node!);
      await this.update();
    }
  }

  async #keepLabels({ metadata }: Node, { machine }: NodeFacts): Promise<void> {
    const { client, configuration } = this.#options;
    const wanted = {
      ...defaultLabels(configuration.name, machine.os, machine.architecture),
      ...configuration.labels,
    };
    const labels = Object.fromEntries(Object.entries(wanted).filter(([name]) => metadata.labels?.[name] === undefined));
    if (Object.keys(labels).length === 0) return;
    const nodes = client.resource('nodes');
    this.#saw(await nodes.patch({ name: configuration.name }, 'merge', { metadata: { labels } }));
  }

  async #correct(): Promise<void> {
    const { client, configuration } = this.#options;
    const { clock, log } = client.world;
    this.#isCorrecting = true;
    while (!this.#stopped && isGivenUp(this.#node)) {
      try {
        await this.#limited(() => this.update());
      } catch (error) {
        log.warn({ node: configuration.name, error }, 'Could not update the node');
        await new Promise<void>((resolve) => clock.after(MAX_PAUSE_MS, resolve, { background: true }));
      }
    }
    this.#isCorrecting = false;
  }

  #tellTransitions(old: NodeStatus | undefined, { conditions = [] }: NodeStatus): void {
    const { recorder, configuration } = this.#options;
    for (const { type, status, reason = '' } of conditions) {
      if (old?.conditions?.find((condition) => condition.type === type)?.status === status) continue;
      const event =
        type === 'Ready' ? (status === 'True' ? 'NodeReady' : 'NodeNotReady') : reason.replace(/^Kubelet/, 'Node');
      const message = `Node ${configuration.name} status is now: ${event}`;
      recorder.event(nodeReference(configuration.name), 'Normal', event, message);
    }
  }

  #saw(node: Node): void {
    this.#node = node;
    this.#options.seen(node);
  }

  #limited<T>(call: () => Promise<T>): Promise<T> {
    return this.#options.limit ? this.#options.limit(call) : call();
  }

  #every(ms: number, first: number, work: () => Promise<void>): void {
    const { clock, log } = this.#options.client.world;
    const again = (after: number) => {
      if (this.#stopped) return;
      const cancel = clock.after(
        after,
        () => {
          this.#cancels.delete(cancel);
          this.#limited(work)
            .catch((error) => log.warn({ node: this.#options.configuration.name, error }, 'Could not update the node'))
            .finally(() => again(ms));
        },
        { background: true },
      );
      this.#cancels.add(cancel);
    };
    again(first);
  }
}

function withoutDevices(node: Node): Node {
  const without = (list: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(list).map(([name, text]) => [name, isExtendedResource(name) ? '0' : text]));
  const { capacity, allocatable } = node.status ?? {};
  return { ...node, status: { ...node.status!, capacity: without(capacity), allocatable: without(allocatable) } };
}

/** As upstream names nodes in events: by name in place of the uid. */
export function nodeReference(name: string) {
  return { reference: { kind: 'Node', name, uid: name } };
}

/** What the node lifecycle controller says of a node that has not renewed its lease; no kubelet says so of itself. */
function isGivenUp(node: Node | undefined): boolean {
  return node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'Unknown') ?? false;
}

/** Heartbeats aside. */
function hasChanged(old: NodeStatus | undefined, status: NodeStatus): boolean {
  const still = ({ conditions = [] }: NodeStatus) => conditions.map(({ lastHeartbeatTime: _, ...rest }) => rest);
  if (!old || !same(still(old), still(status))) return true;
  return (Object.keys(status) as (keyof NodeStatus)[]).some(
    (name) => name !== 'conditions' && !same(old[name], status[name]),
  );
}

/** Lists are replaced, resources that are gone are taken away. */
function patchOf(old: NodeStatus | undefined, status: NodeStatus): object {
  const gone = (name: 'capacity' | 'allocatable') => {
    const names = Object.keys(old?.[name] ?? {}).filter((each) => status[name]?.[each] === undefined);
    return { ...status[name], ...Object.fromEntries(names.map((each) => [each, null])) };
  };
  return {
    ...status,
    capacity: gone('capacity'),
    allocatable: gone('allocatable'),
    addresses: [...(status.addresses ?? []), { $patch: 'replace' }],
  };
}
