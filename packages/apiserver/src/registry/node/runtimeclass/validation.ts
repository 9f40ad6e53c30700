/** Compare pkg/apis/node/validation. */

import { duplicate, type ErrorList, Path, required } from '@keelson/api/field';
import type { Toleration } from '@keelson/api/generated/types/core/v1';
import type { RuntimeClass, Scheduling } from '@keelson/api/generated/types/node/v1';
import { nameIsDNSLabel } from '@keelson/api/validation/names';
import { validateContainerResources } from '../../core/pod/validation/resources.ts';
import { validateTolerations } from '../../core/pod/validation/tolerations.ts';
import { deprecatedNodeLabel } from '../../deprecatedlabels.ts';
import { immutableField, invalidFor } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';
import { validateLabels } from '../../validation/labelselector.ts';
import { validateObjectMetaUpdate } from '../../validation/objectmeta.ts';

const HANDLER = Path.of('handler');
const SCHEDULING = Path.of('scheduling');

export function validateRuntimeClass({ handler, overhead, scheduling }: RuntimeClass): ErrorList {
  return [
    ...(handler === '' ? [required(HANDLER)] : invalidFor(HANDLER, handler, nameIsDNSLabel(handler, false))),
    ...(overhead
      ? validateContainerResources(
          { limits: overhead.podFixed ?? {} },
          new Set(),
          { allowIndivisibleHugePagesValues: false },
          Path.of('overhead'),
        )
      : []),
    ...(scheduling ? validateScheduling(scheduling) : []),
  ];
}

function validateScheduling({ nodeSelector, tolerations = [] }: Scheduling): ErrorList {
  const path = SCHEDULING.child('tolerations');
  const seen = new Set<string>();
  return [
    ...validateLabels(nodeSelector, SCHEDULING.child('nodeSelector')),
    ...validateTolerations(tolerations, {}, path),
    ...tolerations.flatMap((toleration, i) => {
      const key = listKey(toleration);
      if (seen.has(key)) return [duplicate(path.index(i), internalValue('io.k8s.api.core.v1.Toleration', toleration))];
      seen.add(key);
      return [];
    }),
  ];
}

function listKey({ key = '', operator = '', value = '', effect = '' }: Toleration): string {
  return JSON.stringify([key, operator, value, effect]);
}

export function validateRuntimeClassUpdate(obj: RuntimeClass, old: RuntimeClass): ErrorList {
  return [
    ...validateRuntimeClass(obj),
    ...validateObjectMetaUpdate(obj.metadata, old.metadata, Path.of('metadata')),
    ...immutableField(obj.handler, old.handler, HANDLER),
  ];
}

export function warnings({ scheduling }: RuntimeClass): string[] {
  return Object.keys(scheduling?.nodeSelector ?? {}).flatMap((key) => {
    const text = deprecatedNodeLabel(key);
    return text === undefined ? [] : [`${SCHEDULING.child('nodeSelector')}: ${text}`];
  });
}
