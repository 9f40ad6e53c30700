/** Annotations that mean something to a node. Compare pkg/apis/core/validation: ValidateNodeSpecificAnnotations. */
import { type ErrorList, invalid, type Path, required } from '@keelson/api/field';
import type { Taint } from '@keelson/api/generated/types/core/v1';
import type { OwnerReference } from '@keelson/api/generated/types/meta/v1';
import { type JSONAnnotation, listAnnotation, validateJSONAnnotation } from '../../validation/jsonannotation.ts';
import { validateTaints } from './taints.ts';

const TAINTS = listAnnotation('scheduler.alpha.kubernetes.io/taints', 'io.k8s.api.core.v1.Taint', '[]core.Taint');
/** No object of the API has it, so that there is no schema. */
const AVOID_PODS: JSONAnnotation = {
  key: 'scheduler.alpha.kubernetes.io/preferAvoidPods',
  type: { kind: 'scalar', scalar: 'any', goName: 'v1.AvoidPods' },
};

interface AvoidPods {
  readonly preferAvoidPods?: readonly { readonly podSignature?: { readonly podController?: OwnerReference } }[];
}

export function validateNodeAnnotations(annotations: Readonly<Record<string, string>>, path: Path): ErrorList {
  return [
    ...validateJSONAnnotation(annotations, TAINTS, path, (taints = []) =>
      validateTaints(taints as Taint[], path.child(TAINTS.key)),
    ),
    ...validateJSONAnnotation(annotations, AVOID_PODS, path.child('AvoidPods'), (pods = {}) =>
      validateAvoidPods(pods as AvoidPods, path.child(AVOID_PODS.key)),
    ),
  ];
}

function validateAvoidPods({ preferAvoidPods }: AvoidPods, path: Path): ErrorList {
  if (!Array.isArray(preferAvoidPods)) return [];
  return (preferAvoidPods as NonNullable<AvoidPods['preferAvoidPods']>).flatMap((entry, i) => {
    const at = path.index(i).child('PodSignature');
    const controller = entry?.podSignature?.podController;
    if (!controller) return [required(at)];
    if (controller.controller) return [];
    return [invalid(at.child('PodController', 'Controller'), false, 'must point to a controller')];
  });
}
