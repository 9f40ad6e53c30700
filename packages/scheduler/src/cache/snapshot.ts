import { NodeInfo } from './node-info.ts';

/** The nodes as a scheduling cycle sees them, whatever comes in meanwhile. */
export class Snapshot {
  /** In the order in which they are tried. */
  nodes: readonly NodeInfo[] = [];
  withAffinity: readonly NodeInfo[] = [];
  withRequiredAntiAffinity: readonly NodeInfo[] = [];
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
      if (!info?.node) {
        this.#byName.delete(name);
        continue;
      }
      const mine = this.#byName.get(name) ?? new NodeInfo(name);
      const before = [mine.podsWithAffinity.length > 0, mine.podsWithRequiredAntiAffinity.length > 0];
      mine.assign(info);
      this.#byName.set(name, mine);
      relist ||= before[0] !== mine.podsWithAffinity.length > 0;
      relist ||= before[1] !== mine.podsWithRequiredAntiAffinity.length > 0;
    }
    if (order) this.nodes = order.map((name) => this.#byName.get(name)).filter((info) => info !== undefined);
    if (!relist) return;
    this.withAffinity = this.nodes.filter((info) => info.podsWithAffinity.length > 0);
    this.withRequiredAntiAffinity = this.nodes.filter((info) => info.podsWithRequiredAntiAffinity.length > 0);
  }
}
