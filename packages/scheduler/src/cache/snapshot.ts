import { Counts } from './counts.ts';
import { NodeInfo } from './node-info.ts';

/** The nodes as a scheduling cycle sees them, whatever comes in meanwhile. */
export class Snapshot {
  /** In the order in which they are tried. */
  nodes: readonly NodeInfo[] = [];
  withAffinity: readonly NodeInfo[] = [];
  withRequiredAntiAffinity: readonly NodeInfo[] = [];
  readonly counts = new Counts();
  readonly #byName = new Map<string, NodeInfo>();

  get(name: string): NodeInfo | undefined {
    return this.#byName.get(name);
  }

  /** Whether a pod that has a node uses the claim. */
  isClaimUsed(claim: string): boolean {
    return this.nodes.some((node) => node.claims.has(claim));
  }

  /**
   * Takes over nodes that have changed; those that are gone or have no node object are left out.
   * @param order all nodes in the order in which they are to be tried; without it, that has not changed
   */
  update(changed: Iterable<readonly [name: string, info: NodeInfo | undefined]>, order: readonly string[] | undefined) {
    let relist = order !== undefined;
    for (const [name, info] of changed) {
      if (!info?.node) this.#byName.delete(name);
      else if (this.#take(name, info)) relist = true;
    }
    if (order) this.#reorder(order);
    if (!relist) return;
    this.withAffinity = this.nodes.filter((info) => info.podsWithAffinity.length > 0);
    this.withRequiredAntiAffinity = this.nodes.filter((info) => info.podsWithRequiredAntiAffinity.length > 0);
  }

  /** @returns whether it belongs to other lists than before */
  #take(name: string, info: NodeInfo): boolean {
    const mine = this.#byName.get(name) ?? new NodeInfo(name);
    const affinity = mine.podsWithAffinity.length > 0;
    const antiAffinity = mine.podsWithRequiredAntiAffinity.length > 0;
    if (mine.node !== info.node) this.counts.labelsChanged();
    mine.assign(info);
    this.#byName.set(name, mine);
    if (mine.index >= 0) this.counts.podsChanged(mine.index);
    return (
      affinity !== mine.podsWithAffinity.length > 0 || antiAffinity !== mine.podsWithRequiredAntiAffinity.length > 0
    );
  }

  #reorder(order: readonly string[]): void {
    this.nodes = order.map((name) => this.#byName.get(name)).filter((info) => info !== undefined);
    for (let i = 0; i < this.nodes.length; i++) this.nodes[i]!.index = i;
    this.counts.reset(this.nodes);
  }
}
