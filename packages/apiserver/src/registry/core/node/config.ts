/** Kubelet configuration by way of the API: the feature is gone, but objects of old may carry it. */
import { type ErrorList, forbidden, invalid, type Path, required } from '@keelson/api/field';
import type {
  ConfigMapNodeConfigSource,
  NodeConfigSource,
  NodeConfigStatus,
} from '@keelson/api/generated/types/core/v1';
import { isConfigMapKey, nameIsDNSLabel, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';

export function validateConfigSource(source: NodeConfigSource, path: Path): ErrorList {
  return validateOneOf(source, path, (configMap, at) => [
    ...(configMap.uid ? [forbidden(at.child('uid'), 'uid must not be set in spec')] : []),
    ...(configMap.resourceVersion
      ? [forbidden(at.child('resourceVersion'), 'resourceVersion must not be set in spec')]
      : []),
  ]);
}

export function validateConfigStatus(status: NodeConfigStatus, path: Path): ErrorList {
  return (['assigned', 'active', 'lastKnownGood'] as const).flatMap((name) => {
    const source = status[name];
    if (!source) return [];
    return validateOneOf(source, path.child(name), (configMap, at) => [
      ...(configMap.uid ? [] : [required(at.child('uid'))]),
      ...(configMap.resourceVersion ? [] : [required(at.child('resourceVersion'))]),
    ]);
  });
}

function validateOneOf(
  source: NodeConfigSource,
  path: Path,
  validateIdentity: (configMap: ConfigMapNodeConfigSource, path: Path) => ErrorList,
): ErrorList {
  const { configMap } = source;
  if (!configMap) {
    const shown = internalValue('io.k8s.api.core.v1.NodeConfigSource', source);
    return [invalid(path, shown, 'exactly one reference subfield must be non-nil')];
  }
  const at = path.child('configMap');
  const name = (field: 'namespace' | 'name' | 'kubeletConfigKey', problems: (value: string) => string[]) =>
    configMap[field]
      ? invalidFor(at.child(field), configMap[field], problems(configMap[field]))
      : [required(at.child(field))];
  return [
    ...validateIdentity(configMap, at),
    ...name('namespace', (value) => nameIsDNSLabel(value, false)),
    ...name('name', (value) => nameIsDNSSubdomain(value, false)),
    ...name('kubeletConfigKey', isConfigMapKey),
  ];
}
