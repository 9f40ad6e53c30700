import type { Node } from '../generated/types/core/v1.ts';

/**
 * Region and zone of a node as one text, empty where it has neither; the old labels count before the new ones
 * (k8s.io/component-helpers/node/topology GetZoneKey).
 */
export function zoneOf({ metadata: { labels = {} } }: Node): string {
  const zone = labels['failure-domain.beta.kubernetes.io/zone'] ?? labels['topology.kubernetes.io/zone'] ?? '';
  const region = labels['failure-domain.beta.kubernetes.io/region'] ?? labels['topology.kubernetes.io/region'] ?? '';
  return region === '' && zone === '' ? '' : `${region}:\0:${zone}`;
}
