import { type Fragments, textOf } from '../framework/signature.ts';
import type { PodInfo } from '../pods/pod-info.ts';

/** All that plugins look at in volumes: not their names, and nothing that each pod has of its own and every node can give. */
export function signVolumes({ pod: { spec }, namespace }: PodInfo): Fragments {
  const sources = (spec.volumes ?? [])
    .filter(({ configMap, secret }) => !configMap && !secret)
    .map(({ name: _, ...source }) => textOf(source));
  return { volumes: { namespace, sources: sources.sort() } };
}
