import type { Node } from '@keelson/api/generated/types/core/v1';
import { zoneOf } from '@keelson/api/resources/zones';

/** Nodes by zone, so that they can be tried zone by zone in turn (pkg/scheduler/backend/cache/node_tree.go). */
export class NodeTree {
  readonly #zones = new Map<string, string[]>();
  #size = 0;

  add(node: Node): void {
    const zone = zoneOf(node);
    const name = node.metadata.name!;
    const names = this.#zones.get(zone);
    if (!names) this.#zones.set(zone, [name]);
    else if (!names.includes(name)) names.push(name);
    else return;
    this.#size += 1;
  }

  remove(node: Node): void {
    const zone = zoneOf(node);
    const names = this.#zones.get(zone);
    const at = names?.indexOf(node.metadata.name!) ?? -1;
    if (!names || at < 0) return;
    names.splice(at, 1);
    if (names.length === 0) this.#zones.delete(zone);
    this.#size -= 1;
  }

  /** @returns whether it has moved */
  update(old: Node, node: Node): boolean {
    if (zoneOf(old) === zoneOf(node)) return false;
    this.remove(old);
    this.add(node);
    return true;
  }

  /** The first of each zone, the second of each zone, and so on. */
  list(): string[] {
    const names: string[] = [];
    for (let i = 0; names.length < this.#size; i++) {
      for (const zone of this.#zones.values()) if (i < zone.length) names.push(zone[i]!);
    }
    return names;
  }
}
