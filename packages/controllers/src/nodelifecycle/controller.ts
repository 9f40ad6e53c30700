/**
 * Watches over nodes: those that give no sign of life become unknown, and are tainted so that their pods are evicted
 * (pkg/controller/nodelifecycle).
 *
 *     signs of life ─▶ silent for too long ─▶ conditions Unknown, event NodeNotReady, pods not ready
 *     Ready is not True ─▶ NoSchedule taint at once ─▶ NoExecute taint, at the pace of its zone ─▶ (taint eviction)
 *     Ready again ─▶ taints go
 */
import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import type { Node, Pod, Taint } from '@keelson/api/generated/types/core/v1';
import { zoneOf } from '@keelson/api/resources/zones';
import { formatTime } from '@keelson/api/time';
import {
  type Again,
  type Handler,
  hasReason,
  type Informer,
  retryOnConflict,
  storeKey,
  WorkQueue,
} from '@keelson/client';
import { type Running, together } from '@keelson/component/running';
import type { ControllerContext } from '../controller.ts';
import { indexByNode, podInformer, podsOn } from '../pods/informer.ts';
import { podCondition } from '../pods/state.ts';
import { runQueue } from '../work.ts';
import { HealthTracker, readyCondition, unknownConditions } from './health.ts';
import { NodeMetrics } from './metrics.ts';
import { evictingTaint, withConditionTaints, withEvictingTaint } from './taints.ts';
import { Pace, rateOf, stateOf } from './zones.ts';

/** In one round nodes are looked at one after the other. */
const ROUND = 'round';
const LEASES = 'kube-node-lease';
const EXCLUDED = 'node.kubernetes.io/exclude-disruption';
/** Old names of labels that follow the new ones. */
const LABELS = [
  ['kubernetes.io/os', 'beta.kubernetes.io/os'],
  ['kubernetes.io/arch', 'beta.kubernetes.io/arch'],
] as const;

export async function start(context: ControllerContext): Promise<Running> {
  const { informers, world } = context;
  const nodes = informers.informer('nodes');
  const leases = informers.informer('leases.coordination.k8s.io', { namespace: LEASES });
  const pods = podInformer(informers);
  indexByNode(pods);
  const lifecycle = new NodeLifecycle(context, nodes, leases, pods);
  const changed = new WorkQueue<string>(world, 'node_lifecycle_controller');
  nodes.addHandler(lifecycle.handler(changed));
  const bound = new WorkQueue<string>(world, 'node_lifecycle_controller_pods');
  pods.addHandler({
    added: (pod) => pod.spec.nodeName && bound.add(storeKey(pod)),
    updated: (old, pod) => pod.spec.nodeName && !old.spec.nodeName && bound.add(storeKey(pod)),
  });
  const rounds = new WorkQueue<string>(world, 'node_lifecycle_controller_rounds');
  rounds.add(ROUND);
  const all = [nodes, leases, pods];
  return together([
    runQueue(context, { queue: changed, informers: all, workers: 8, reconcile: (name) => lifecycle.conform(name) }),
    runQueue(context, { queue: bound, informers: all, workers: 4, reconcile: (key) => lifecycle.arrived(key) }),
    runQueue(context, { queue: rounds, informers: all, workers: 1, reconcile: () => lifecycle.round() }),
  ]);
}

class NodeLifecycle {
  readonly #context: ControllerContext;
  readonly #nodes: Informer<Node>;
  readonly #leases: Informer<Lease>;
  readonly #pods: Informer<Pod>;
  readonly #health: HealthTracker;
  readonly #recorder;
  readonly #metrics: NodeMetrics;
  readonly #known = new Map<string, Node>();
  readonly #paces = new Map<string, Pace>();
  #allWereGone = false;

  constructor(context: ControllerContext, nodes: Informer<Node>, leases: Informer<Lease>, pods: Informer<Pod>) {
    this.#context = context;
    this.#nodes = nodes;
    this.#leases = leases;
    this.#pods = pods;
    this.#health = new HealthTracker(context.settings.nodeMonitor);
    this.#recorder = context.recorder('node-controller');
    this.#metrics = new NodeMetrics(context.metrics);
  }

  handler(queue: WorkQueue<string>): Handler<Node> {
    const enqueue = ({ metadata }: Node) => queue.add(metadata.name!);
    return { added: enqueue, updated: (_, node) => enqueue(node) };
  }

  /** Taints that keep pods off follow the conditions at once, and old labels follow the new ones. */
  async conform(name: string): Promise<void> {
    const node = this.#nodes.store.get(name);
    if (!node) return;
    await this.#taint(node, (latest) => withConditionTaints(latest, this.#time()));
    const { labels = {} } = node.metadata;
    const stale = LABELS.filter(([key, old]) => labels[key] !== undefined && labels[old] !== labels[key]);
    if (stale.length === 0) return;
    const wanted = Object.fromEntries(stale.map(([key, old]) => [old, labels[key]]));
    await this.#node.patch({ name }, 'strategic', { metadata: { labels: wanted } });
  }

  /** A pod that comes to a node which is not ready is not ready itself. */
  async arrived(key: string): Promise<void> {
    const pod = this.#pods.store.get(key);
    const node = pod?.spec.nodeName ? this.#nodes.store.get(pod.spec.nodeName) : undefined;
    if (!pod || !node) return;
    const ready = readyCondition(node);
    if (ready && ready.status !== 'True') await this.#markNotReady(pod);
  }

  async round(): Promise<Again> {
    const startedAt = performance.now();
    this.#greet();
    const zones = new Map<string, { nodes: Node[]; ready: number }>();
    for (const listed of this.#nodes.store.list()) {
      const lookedAt = performance.now();
      const node = await this.#examine(listed).catch((error: unknown) => {
        this.#context.world.log.warn(
          { node: listed.metadata.name, error },
          'The health of a node could not be updated',
        );
        return undefined;
      });
      this.#metrics.examined((performance.now() - lookedAt) / 1000);
      if (!node) continue;
      const zone = zones.get(zoneOf(node)) ?? { nodes: [], ready: 0 };
      zones.set(zoneOf(node), zone);
      if (node.metadata.labels?.[EXCLUDED] === undefined) {
        zone.nodes.push(node);
        if (readyCondition(node)?.status === 'True') zone.ready++;
      }
    }
    this.#metrics.zones(zones);
    await this.#evict(zones);
    this.#metrics.rounded((performance.now() - startedAt) / 1000);
    return { afterMs: this.#context.settings.nodeMonitor.periodMs };
  }

  get #node() {
    return this.#context.client.resource('nodes');
  }

  #time(): string {
    return formatTime(new Date(this.#context.world.clock.now()));
  }

  #greet(): void {
    for (const node of this.#nodes.store.list()) {
      const name = node.metadata.name!;
      if (!this.#known.has(name)) this.#tell(node, 'RegisteredNode', `event: Registered Node ${name} in Controller`);
      this.#known.set(name, node);
    }
    for (const [name, node] of this.#known) {
      if (this.#nodes.store.get(name)) continue;
      this.#tell(node, 'RemovingNode', `event: Removing Node ${name} from Controller`);
      this.#known.delete(name);
      this.#health.forget(name);
    }
  }

  #tell({ metadata: { name = '', uid = '' } }: Node, reason: string, what: string): void {
    const reference = { apiVersion: 'v1', kind: 'Node', name, uid };
    this.#recorder.event({ reference }, 'Normal', reason, `Node ${name} ${what}`);
  }

  /** @returns the node, its conditions as they are now */
  async #examine(node: Node): Promise<Node> {
    const name = node.metadata.name!;
    const before = readyCondition(node)?.status;
    const lease = this.#leases.store.get(`${LEASES}/${name}`);
    const isSilent = this.#health.isSilent(node, lease, this.#context.world.clock.now());
    const latest = isSilent ? await this.#giveUp(node) : node;
    const after = readyCondition(latest)?.status;
    if (before === 'True' && after !== 'True') this.#tell(node, 'NodeNotReady', 'status is now: NodeNotReady');
    if (after === undefined || after === 'True') return latest;
    for (const pod of podsOn(this.#pods, name)) await this.#markNotReady(pod);
    return latest;
  }

  async #giveUp(node: Node): Promise<Node> {
    const conditions = unknownConditions(node, this.#time());
    if (!conditions) return node;
    return this.#node.updateStatus({ ...node, status: { ...node.status, conditions } });
  }

  async #markNotReady(pod: Pod): Promise<void> {
    const ready = podCondition(pod, 'Ready');
    if (ready?.status !== 'True') return;
    const { namespace, name, uid } = pod.metadata;
    const condition = { type: 'Ready', status: 'False', lastTransitionTime: this.#time() };
    try {
      const patch = { metadata: { uid }, status: { conditions: [condition] } };
      await this.#context.client
        .resource('pods')
        .patch({ namespace, name: name! }, 'strategic', patch, { subresource: 'status' });
    } catch (error) {
      if (hasReason(error, 'NotFound') || hasReason(error, 'Conflict')) return;
      throw error;
    }
    this.#recorder.event(pod, 'Warning', 'NodeNotReady', 'Node is not ready');
  }

  /** Taints nodes for eviction, as fast as their zones allow, and takes the taint from those that are ready. */
  async #evict(zones: ReadonlyMap<string, { readonly nodes: readonly Node[]; readonly ready: number }>): Promise<void> {
    const settings = this.#context.settings.nodeEviction;
    const now = this.#context.world.clock.now();
    const allGone = zones.size > 0 && [...zones.values()].every(({ nodes, ready }) => nodes.length > 0 && ready === 0);
    if (this.#allWereGone && !allGone) this.#health.restart(now);
    this.#allWereGone = allGone;
    for (const [key, { nodes, ready }] of zones) {
      const rate = rateOf(stateOf(ready, nodes.length - ready, settings), nodes.length, allGone, settings);
      const pace = this.#paces.get(key) ?? new Pace();
      this.#paces.set(key, pace);
      for (const node of nodes) {
        const taint = allGone ? undefined : evictingTaint(readyCondition(node)?.status ?? 'True');
        const wanted = (latest: Node) => withEvictingTaint(latest, taint, this.#time());
        if (!wanted(node)) continue;
        const isTainted = withEvictingTaint(node, undefined, '') !== undefined;
        const isNew = taint !== undefined && !isTainted;
        if (isNew && !pace.take(rate, now)) continue;
        await this.#taint(node, wanted);
        if (isNew) this.#metrics.evicted(key);
      }
    }
  }

  async #taint(node: Node, wanted: (latest: Node) => Taint[] | undefined): Promise<void> {
    if (!wanted(node)) return;
    const name = node.metadata.name!;
    await retryOnConflict(async () => {
      const latest = await this.#node.get({ name });
      const taints = wanted(latest);
      if (!taints) return;
      const { resourceVersion } = latest.metadata;
      await this.#node.patch({ name }, 'merge', { metadata: { resourceVersion }, spec: { taints } });
    }).catch((error: unknown) => {
      if (!hasReason(error, 'NotFound')) throw error;
    });
  }
}
