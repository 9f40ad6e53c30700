import type { NodeInfo } from '../cache/node-info.ts';
import type { NodeVerdicts } from '../framework/plugin.ts';
import { type Rejection, unresolvable } from '../framework/status.ts';

const NO_REASON = unresolvable('');

/** Of nodes that are not among those that plugins have named. */
export function notAskedFor(plugins: readonly string[]): Rejection {
  return unresolvable('', `node(s) didn't satisfy plugin(s) [${[...plugins].sort().join(' ')}]`);
}

/** Why which nodes will not do, and who said so. */
export class Verdicts implements NodeVerdicts {
  readonly #byNode = new Map<string, Rejection>();
  /** For nodes that nobody has looked at. */
  #others: Rejection = NO_REASON;
  readonly rejectedBy = new Set<string>();
  readonly pendingBy = new Set<string>();

  get size(): number {
    return this.#byNode.size;
  }

  get(nodeName: string): Rejection | undefined {
    return this.#byNode.get(nodeName) ?? this.#others;
  }

  set(nodeName: string, rejection: Rejection): void {
    this.#byNode.set(nodeName, rejection);
    this.blame(rejection);
  }

  setOthers(rejection: Rejection): void {
    this.#others = rejection;
  }

  /** What changes for this plugin may let the pod through. */
  blame({ plugin, code }: Rejection): void {
    if (plugin === '') return;
    if (code === 'Pending') this.pendingBy.add(plugin);
    else this.rejectedBy.add(plugin);
  }

  resolvable(nodes: readonly NodeInfo[]): NodeInfo[] {
    return nodes.filter(({ name }) => this.get(name)!.code === 'Unschedulable');
  }

  /** `2 Insufficient cpu, 1 node(s) were unschedulable`: reasons with the number of nodes, sorted as texts. */
  histogram(nodes: number): string {
    const counts = new Map<string, number>();
    const count = (rejection: Rejection, times: number) => {
      for (const reason of rejection.reasons) counts.set(reason, (counts.get(reason) ?? 0) + times);
    };
    for (const rejection of this.#byNode.values()) count(rejection, 1);
    if (this.#byNode.size < nodes) count(this.#others, nodes - this.#byNode.size);
    return Array.from(counts, ([reason, times]) => `${times} ${reason}`)
      .sort()
      .join(', ');
  }
}

/**
 * `0/5 nodes are available: 2 Insufficient cpu, 3 node(s) were unschedulable. preemption: …`
 * @param preFilter why the pod as a whole was rejected, before any node
 */
export function fitMessage(nodes: number, verdicts: Verdicts, { preFilter = '', postFilter = '' } = {}): string {
  const reasons = preFilter || verdicts.histogram(nodes);
  return [
    `0/${nodes} nodes are available:`,
    ...(reasons ? [`${reasons}.`] : []),
    ...(postFilter ? [postFilter] : []),
  ].join(' ');
}
