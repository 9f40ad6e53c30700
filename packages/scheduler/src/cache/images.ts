import type { Node } from '@keelson/api/generated/types/core/v1';
import type { ImageState } from './node-info.ts';

interface Image {
  readonly size: number;
  readonly nodes: Set<string>;
}

/** Which images are on which nodes. */
export class Images {
  readonly #byName = new Map<string, Image>();

  /** @returns the node's images by each of their names; the numbers of nodes are kept up */
  add({ metadata, status }: Node): ReadonlyMap<string, ImageState> {
    const images = new Map<string, ImageState>();
    for (const { names, sizeBytes: size = 0 } of status.images ?? []) {
      for (const name of names ?? []) {
        const nodes = this.#byName.get(name)?.nodes ?? new Set<string>();
        nodes.add(metadata.name!);
        const image = { size, nodes };
        this.#byName.set(name, image);
        images.set(name, image);
      }
    }
    return images;
  }

  remove({ metadata, status }: Node): void {
    for (const { names } of status.images ?? []) {
      for (const name of names ?? []) {
        const image = this.#byName.get(name);
        image?.nodes.delete(metadata.name!);
        if (image?.nodes.size === 0) this.#byName.delete(name);
      }
    }
  }
}
