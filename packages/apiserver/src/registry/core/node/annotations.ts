/** Annotations that mean something to a node. Compare pkg/apis/core/validation: ValidateNodeSpecificAnnotations. */
import { DecodeError } from '@keelson/api/codec/exact';
import { type ErrorList, invalid, type Path, required } from '@keelson/api/field';
import type { Taint } from '@keelson/api/generated/types/core/v1';
import type { OwnerReference } from '@keelson/api/generated/types/meta/v1';
import { type ListType, type ScalarType, structType } from '@keelson/api/schema';
import { readJSONAnnotation } from '../../validation/jsonannotation.ts';
import { validateTaints } from './taints.ts';

const TAINTS = 'scheduler.alpha.kubernetes.io/taints';
const AVOID_PODS = 'scheduler.alpha.kubernetes.io/preferAvoidPods';

const TAINTS_TYPE: ListType = {
  kind: 'list',
  element: structType('io.k8s.api.core.v1.Taint'),
  elementPointer: false,
  goName: '[]core.Taint',
  named: false,
};
/** No object of the API has it, so that there is no schema. */
const AVOID_PODS_TYPE: ScalarType = { kind: 'scalar', scalar: 'any', goName: 'v1.AvoidPods' };

interface AvoidPods {
  readonly preferAvoidPods?: readonly { readonly podSignature?: { readonly podController?: OwnerReference } }[];
}

export function validateNodeAnnotations(annotations: Readonly<Record<string, string>>, path: Path): ErrorList {
  return [
    ...read(annotations[TAINTS], TAINTS_TYPE, TAINTS, path, (value) =>
      validateTaints((value ?? []) as Taint[], path.child(TAINTS)),
    ),
    ...read(annotations[AVOID_PODS], AVOID_PODS_TYPE, AVOID_PODS, path.child('AvoidPods'), (value) =>
      validateAvoidPods((value ?? {}) as AvoidPods, path.child(AVOID_PODS)),
    ),
  ];
}

function read(
  text: string | undefined,
  type: ListType | ScalarType,
  key: string,
  path: Path,
  validate: (value: unknown) => ErrorList,
): ErrorList {
  if (!text) return [];
  let value: unknown;
  try {
    value = readJSONAnnotation(text, type);
  } catch (error) {
    if (error instanceof DecodeError) return [invalid(path, key, error.message)];
    throw error;
  }
  return validate(value);
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
