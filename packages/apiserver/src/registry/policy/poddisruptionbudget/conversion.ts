/**
 * Budgets that an older kube-apiserver has stored in policy/v1beta1, where an empty selector chooses no pod; in v1 it chooses
 * all (pkg/apis/policy/v1beta1/conversion.go).
 */
import { semanticEqual } from '@keelson/api/codec/equality';
import type { LabelSelector } from '@keelson/api/generated/types/meta/v1';
import type { PodDisruptionBudget } from '@keelson/api/generated/types/policy/v1';
import type { KubeObject } from '@keelson/api/object';
import type { VersionConversion } from '../../strategy.ts';

const LABEL = 'pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match';
const all: LabelSelector = { matchExpressions: [{ key: LABEL, operator: 'DoesNotExist' }] };

export const v1beta1: VersionConversion = {
  toStorage(obj: KubeObject): KubeObject {
    const { spec } = obj as unknown as PodDisruptionBudget;
    if (spec.selector) spec.selector = inV1(spec.selector);
    return obj;
  },
};

function inV1(selector: LabelSelector): LabelSelector {
  if (semanticEqual(selector, {})) return { matchExpressions: [{ key: LABEL, operator: 'Exists' }] };
  if (semanticEqual(selector, all)) return {};
  const { matchExpressions, ...rest } = selector;
  return matchExpressions
    ? { ...rest, matchExpressions: matchExpressions.filter(({ key }) => key !== LABEL) }
    : selector;
}
