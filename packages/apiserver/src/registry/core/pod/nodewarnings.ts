/** Node labels of old, wherever a pod says on which nodes it may run. */

import type { Path } from '@keelson/api/field';
import type { NodeSelectorTerm, PodSpec } from '@keelson/api/generated/types/core/v1';
import { isValidLabelValue } from '@keelson/api/validation/names';
import { deprecatedNodeLabel } from '../../deprecatedlabels.ts';

/** @param path of the spec */
export function warningsForNodes(spec: PodSpec, path: Path): string[] {
  const { nodeSelector, affinity, topologySpreadConstraints } = spec;
  const at = path.child('affinity', 'nodeAffinity');
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const termsAt = at.child('requiredDuringSchedulingIgnoredDuringExecution', 'nodeSelectorTerms');
  const preferred = affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const preferredAt = at.child('preferredDuringSchedulingIgnoredDuringExecution');
  return [
    ...Object.keys(nodeSelector ?? {}).flatMap((key) => {
      const text = deprecatedNodeLabel(key);
      return text === undefined ? [] : [`${path.child('nodeSelector').key(key)}: ${text}`];
    }),
    ...terms.flatMap((term, i) => warningsForTerm(term, false, termsAt.index(i))),
    ...preferred.flatMap(({ preference }, i) =>
      warningsForTerm(preference, true, preferredAt.index(i).child('preference')),
    ),
    ...(topologySpreadConstraints ?? []).flatMap(({ topologyKey, labelSelector }, i) => {
      const constraint = path.child('topologySpreadConstraints').index(i);
      const text = deprecatedNodeLabel(topologyKey);
      return [
        ...(text === undefined ? [] : [`${constraint.child('topologyKey')}: ${topologyKey} is ${text}`]),
        ...(labelSelector
          ? []
          : [`${constraint.child('labelSelector')}: a null labelSelector results in matching no pod`]),
      ];
    }),
  ];
}

function warningsForTerm({ matchExpressions }: NodeSelectorTerm, checkValues: boolean, path: Path): string[] {
  return (matchExpressions ?? []).flatMap(({ key, values }, i) => {
    const at = path.child('matchExpressions').index(i);
    const text = deprecatedNodeLabel(key);
    return [
      ...(text === undefined ? [] : [`${at.child('key')}: ${key} is ${text}`]),
      ...(checkValues ? (values ?? []) : []).flatMap((value, j) =>
        isValidLabelValue(value).map((problem) => `${at.child('values').index(j)}: ${value} is invalid, ${problem}`),
      ),
    ];
  });
}
