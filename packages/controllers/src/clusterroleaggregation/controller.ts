/** Puts into cluster roles that say which others to aggregate what those allow (pkg/controller/clusterroleaggregation). */
import type { ClusterRole, PolicyRule } from '@keelson/api/generated/types/rbac/v1';
import { WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { selectorOf } from '../selectors.ts';
import { runQueue } from '../work.ts';

const FIELD_MANAGER = 'clusterrole-aggregation-controller';

/** The rules of all roles that the role selects, in order of their names, each once. */
export function aggregate(role: ClusterRole, all: readonly ClusterRole[]): PolicyRule[] {
  const rules = new Map<string, PolicyRule>();
  const others = all.filter(({ metadata }) => metadata.name !== role.metadata.name);
  others.sort((a, b) => (a.metadata.name! < b.metadata.name! ? -1 : 1));
  for (const labels of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const selector = selectorOf(labels);
    for (const { metadata, rules: own } of others) {
      if (!selector.matches(metadata.labels ?? {})) continue;
      for (const rule of own ?? []) rules.set(keyOf(rule), rules.get(keyOf(rule)) ?? rule);
    }
  }
  return [...rules.values()];
}

function keyOf({
  verbs,
  apiGroups = [],
  resources = [],
  resourceNames = [],
  nonResourceURLs = [],
}: PolicyRule): string {
  return JSON.stringify([verbs ?? [], apiGroups, resources, resourceNames, nonResourceURLs]);
}

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'ClusterRoleAggregator');
  const roles = informers.informer('clusterroles.rbac.authorization.k8s.io');
  // There are few, and any may be part of any.
  const all = () => {
    for (const { metadata, aggregationRule } of roles.store.values()) if (aggregationRule) queue.add(metadata.name!);
  };
  roles.addHandler({ added: all, updated: all, deleted: all });

  const reconcile = async (name: string) => {
    const role = roles.store.get(name);
    if (!role?.aggregationRule) return;
    const rules = aggregate(role, roles.store.list());
    const before = (role.rules ?? []).map(keyOf);
    if (before.length === rules.length && rules.every((rule, i) => keyOf(rule) === before[i])) return;
    const resource = client.resource('clusterroles.rbac.authorization.k8s.io');
    await resource.apply({ metadata: { name }, rules }, FIELD_MANAGER, { force: true });
  };
  return runQueue(context, { queue, informers: [roles], workers: 5, reconcile });
}
