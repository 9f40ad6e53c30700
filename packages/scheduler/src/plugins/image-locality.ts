import { MAX_SCORE, type Plugin, type PluginContext } from '../framework/plugin.ts';

const MIB = 1024 * 1024;
const LEAST = 23 * MIB;
const MOST_PER_CONTAINER = 1000 * MIB;

/** Better nodes are those that have the images; what few nodes have counts less, so that pods do not heap up there. */
export function imageLocality(_: unknown, { snapshot }: PluginContext): Plugin {
  return {
    name: 'ImageLocality',
    sign: ({ images }) => ({ images: [...new Set(images)].sort() }),
    score({ pod: { spec }, images: wanted }, { images }) {
      let sum = 0;
      if (images.size > 0) {
        const nodes = snapshot.nodes.length;
        for (const name of wanted) {
          const image = images.get(name);
          if (image) sum += Math.trunc(image.size * (image.nodes.size / nodes));
        }
      }
      if (sum <= LEAST) return 0;
      const most = MOST_PER_CONTAINER * ((spec.containers?.length ?? 0) + (spec.initContainers?.length ?? 0));
      return Math.trunc((MAX_SCORE * (Math.min(sum, most) - LEAST)) / (most - LEAST));
    },
  };
}
