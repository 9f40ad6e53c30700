/** Which pods belong together when nobody says so: those of the same services and the same owner. */

import type { ReplicaSet, StatefulSet } from '@keelson/api/generated/types/apps/v1';
import type { Pod, ReplicationController, Service } from '@keelson/api/generated/types/core/v1';
import { LabelSelector, selectorOfLabels, selectorOfObject } from '@keelson/api/selectors/labels';
import { controllerOf, type Lister } from '@keelson/client';

export interface Owners {
  readonly services: Lister<Service>;
  readonly replicationControllers: Lister<ReplicationController>;
  readonly replicaSets: Lister<ReplicaSet>;
  readonly statefulSets: Lister<StatefulSet>;
}

/** Matches everything when the pod belongs to nothing. */
export function defaultSelector(pod: Pod, owners: Owners): LabelSelector {
  const { namespace = '', labels = {} } = pod.metadata;
  const together: Record<string, string> = {};
  for (const { spec } of owners.services.list(namespace)) {
    if (spec.selector && selectorOfLabels(spec.selector).matches(labels)) Object.assign(together, spec.selector);
  }
  const owner = controllerOf(pod);
  const key = `${namespace}/${owner?.name}`;
  let more: LabelSelector | undefined;
  switch (owner && `${owner.apiVersion}/${owner.kind}`) {
    case 'v1/ReplicationController':
      Object.assign(together, owners.replicationControllers.get(key)?.spec.selector);
      break;
    case 'apps/v1/ReplicaSet':
      more = selectorOf(owners.replicaSets.get(key));
      break;
    case 'apps/v1/StatefulSet':
      more = selectorOf(owners.statefulSets.get(key));
      break;
  }
  const own = selectorOfLabels(together);
  return more ? new LabelSelector([...own.requirements, ...more.requirements]) : own;
}

function selectorOf(owner: ReplicaSet | StatefulSet | undefined): LabelSelector | undefined {
  return owner && selectorOfObject(owner.spec.selector);
}
