/**
 * The cgroups above those of pods: of all pods, of classes of pods, of what the machine keeps for itself
 * (pkg/kubelet/cm/node_container_manager_linux.go, qos_container_manager_linux.go).
 */
import type { ObjectReference, Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { addResources, type ResourceTotals } from '@keelson/api/resources/list';
import { qosClass } from '@keelson/api/resources/pod';
import type { EventRecorder, World } from '@keelson/client';
import { ended } from '@keelson/component/promises';
import { podRequests } from '../resources/requests.ts';
import { type CgroupLimits, limitsOf, limitsOfClass } from './limits.ts';
import { type CgroupName, classCgroup, parseCgroupName, podsCgroup, quoted } from './names.ts';
import type { CgroupTree, MemoryUse } from './tree.ts';

/** What is held to what it may have; `pods`: all of them together. */
export type Enforcement =
  | 'pods'
  | 'system-reserved'
  | 'kube-reserved'
  | 'system-reserved-compressible'
  | 'kube-reserved-compressible'
  | 'none';

/** A part of the machine that is kept from pods. */
export interface Reserve {
  readonly amounts: ResourceTotals;
  /** Where those are for whom it is kept; empty where nobody is held to it. */
  readonly cgroup: string;
}

export interface NodeCgroupsOptions {
  readonly world: World;
  readonly recorder: EventRecorder;
  readonly node: { readonly reference: ObjectReference };
  readonly tree: CgroupTree;
  /** Above all pods. */
  readonly root: CgroupName;
  /** Made if it is not there, and taken away with the last pod. */
  readonly ownsRoot: boolean;
  readonly enforce: ReadonlySet<Enforcement>;
  readonly kube: Reserve;
  readonly system: Reserve;
  /** Of the machine: `cpu`, `memory`, `pid`, huge pages. */
  readonly capacity: ResourceTotals;
  /** On which pods may run, as a list; empty: that is for others to say. */
  readonly cpus: string;
  /** Those that run or may run. */
  pods(): readonly Pod[];
}

const AGAIN_MS = 60_000;
const NONE = Quantity.of(0);

export class NodeCgroups {
  readonly #options: NodeCgroupsOptions;
  #cancel = () => {};
  #stopped = false;

  constructor(options: NodeCgroupsOptions) {
    this.#options = options;
  }

  /** Makes what is missing. @throws Error where that cannot be done, in upstream's words */
  async start(): Promise<void> {
    const { tree, root, ownsRoot, enforce } = this.#options;
    if (ownsRoot && (await tree.problem(root))) await tree.create(root, {});
    const problem = await tree.problem(root);
    if (problem) throw new Error(`invalid configuration: ${problem}`);
    const all = podsCgroup(root);
    if (await tree.problem(all)) await tree.create(all, this.#limitsOfAll());
    const missing = await tree.problem(all);
    if (missing) throw new Error(`error validating root container [${all.join(' ')}] : ${missing}`);
    for (const qos of ['Burstable', 'BestEffort']) await this.#makeClass(qos);
    await this.#enforceAll();
    for (const [kind, reserve, title] of this.#reserves()) {
      if (enforce.has(kind)) await this.#enforce(reserve, title, false);
      const compressible = `${kind}-compressible` as const;
      if (enforce.has(compressible)) await this.#enforce(reserve, title, true);
    }
  }

  /** Pods come and go: what their classes weigh follows. */
  async update(): Promise<void> {
    const { tree, root, pods } = this.#options;
    const totals: ResourceTotals = new Map();
    for (const pod of pods()) if (qosClass(pod) === 'Burstable') addResources(totals, podRequests(pod));
    const milli = Number(totals.get('cpu')?.milliValue() ?? 0n);
    await tree.update(classCgroup(root, 'Burstable'), limitsOfClass(milli, tree.pageSizes));
    await tree.update(classCgroup(root, 'BestEffort'), limitsOfClass(0, tree.pageSizes));
  }

  /** What all pods use together, of what they may. */
  memory(): Promise<MemoryUse> {
    return this.#options.tree.memory(podsCgroup(this.#options.root));
  }

  async stop(): Promise<void> {
    const { tree, root, ownsRoot } = this.#options;
    this.#stopped = true;
    this.#cancel();
    if (!ownsRoot) return;
    const classes = [classCgroup(root, 'Burstable'), classCgroup(root, 'BestEffort')];
    const below = await Promise.all([...classes, podsCgroup(root)].map((name) => tree.children(name)));
    const pods = below.flat().filter((piece) => !classes.some((name) => name.at(-1) === piece));
    // Others may have something in it.
    if (pods.length === 0) await ended(tree.remove(root));
  }

  async #makeClass(qos: string): Promise<void> {
    const { tree, root } = this.#options;
    const name = classCgroup(root, qos);
    const limits = limitsOfClass(0, tree.pageSizes);
    const isNew = (await tree.problem(name)) !== undefined;
    try {
      if (isNew) await tree.create(name, limits);
      else await tree.update(name, qos === 'BestEffort' ? limits : { hugePages: limits.hugePages });
    } catch (error) {
      const what = `failed to ${isNew ? 'create' : 'update'} top level ${qos} QOS cgroup : ${(error as Error).message}`;
      throw new Error(`failed to initialize top level QOS containers: ${what}`, { cause: error });
    }
  }

  /** What pods use already may be more than they may have: until they use less, the kernel may refuse. */
  async #enforceAll(): Promise<void> {
    const { world, recorder, node, tree, root } = this.#options;
    const name = podsCgroup(root);
    try {
      await tree.update(name, this.#limitsOfAll());
      recorder.event(node, 'Normal', ENFORCED, 'Updated Node Allocatable limit across pods');
    } catch (error) {
      const message = `Failed to update Node Allocatable Limits ${quoted(name)}: ${(error as Error).message}`;
      recorder.event(node, 'Warning', NOT_ENFORCED, message);
      if (this.#stopped) return;
      this.#cancel = world.clock.after(AGAIN_MS, () => void this.#enforceAll(), { background: true });
    }
  }

  async #enforce(reserve: Reserve, title: string, compressible: boolean): Promise<void> {
    const { recorder, node, tree } = this.#options;
    try {
      const name = parseCgroupName(reserve.cgroup);
      const problem = await tree.problem(name);
      if (problem) throw new Error(problem);
      await tree.update(name, this.#withCpus(limitsOf(reserve.amounts, compressible)));
      recorder.event(node, 'Normal', ENFORCED, `Updated limits on ${title.toLowerCase()} cgroup ${reserve.cgroup}`);
    } catch (error) {
      const what = `${title}${compressible ? ' Compressible' : ''} Cgroup Limits on "${reserve.cgroup}"`;
      const message = `Failed to enforce ${what}: ${(error as Error).message}`;
      recorder.event(node, 'Warning', NOT_ENFORCED, message);
      throw new Error(message, { cause: error });
    }
  }

  #reserves() {
    const { kube, system } = this.#options;
    return [
      ['system-reserved', system, 'System Reserved'],
      ['kube-reserved', kube, 'Kube Reserved'],
    ] as const;
  }

  #limitsOfAll(): CgroupLimits {
    const { capacity, enforce, kube, system } = this.#options;
    if (!enforce.has('pods')) return this.#withCpus(limitsOf(capacity));
    return this.#withCpus(limitsOf(less(capacity, kube.amounts, system.amounts)));
  }

  #withCpus(limits: CgroupLimits): CgroupLimits {
    return { ...limits, cpus: this.#options.cpus };
  }
}

const ENFORCED = 'NodeAllocatableEnforced';
const NOT_ENFORCED = 'FailedNodeAllocatableEnforcement';

/** What is left of amounts; never less than nothing. */
function less(amounts: ResourceTotals, ...taken: readonly ResourceTotals[]): ResourceTotals {
  return new Map(
    Array.from(amounts, ([name, amount]) => {
      const rest = taken.reduce((left, each) => left.sub(each.get(name) ?? NONE), amount);
      return [name, rest.sign() < 0 ? NONE : rest];
    }),
  );
}
