/** Warnings for node labels of old (pkg/api/node/util.go). */
import type { Path } from '@keelson/api/field';
import type { LabelSelector } from '@keelson/api/generated/types/meta/v1';

const DEPRECATED: Readonly<Record<string, string>> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region': 'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone': 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type': 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'app.kubernetes.io/created-by': 'deprecated since v1.9',
  'scheduler.alpha.kubernetes.io/preferAvoidPods': 'deprecated since v1.22; use Taints and Tolerations instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
};

/** What to say of the label; undefined when it is not deprecated. */
export function deprecatedNodeLabel(key: string): string | undefined {
  return Object.hasOwn(DEPRECATED, key) ? DEPRECATED[key] : undefined;
}

export function warningsForNodeSelector(selector: LabelSelector | null | undefined, path: Path): string[] {
  return [
    ...(selector?.matchExpressions ?? []).flatMap(({ key }, i) => {
      const text = deprecatedNodeLabel(key);
      return text ? [`${path.child('matchExpressions').index(i).child('key')}: ${key} is ${text}`] : [];
    }),
    ...Object.keys(selector?.matchLabels ?? {}).flatMap((key) => {
      const text = deprecatedNodeLabel(key);
      return text ? [`${path.child('matchLabels', key)}: ${text}`] : [];
    }),
  ];
}
