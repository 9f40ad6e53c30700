/** Environment variables of containers. */

import { type ErrorList, invalid, notFound, type Path, required } from '@keelson/api/field';
import type {
  ConfigMapKeySelector,
  EnvFromSource,
  EnvVar,
  FileKeySelector,
  PodSpec,
} from '@keelson/api/generated/types/core/v1';
import { isConfigMapKey, isRelaxedEnvVarName, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { invalidFor } from '../../../validation/fields.ts';
import { ENV_FIELDS, validateFieldRef, validateResourceFieldRef } from './fieldrefs.ts';
import { dnsLabel } from './names.ts';
import type { PodValidationOptions } from './options.ts';
import { validatePathNoBacksteps } from './paths.ts';
import { containersWithPath } from './visit.ts';

export function validateEnv(variables: readonly EnvVar[], options: PodValidationOptions, path: Path): ErrorList {
  return variables.flatMap((variable, i) => {
    const at = path.index(i);
    const { name = '' } = variable;
    return [
      ...(name === '' ? [required(at.child('name'))] : invalidFor(at.child('name'), name, isRelaxedEnvVarName(name))),
      ...validateValueFrom(variable, options, at.child('valueFrom')),
    ];
  });
}

function validateValueFrom(
  { value = '', valueFrom }: EnvVar,
  { isEnabled }: PodValidationOptions,
  path: Path,
): ErrorList {
  if (!valueFrom) return [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  const errors = [
    ...(fieldRef ? validateFieldRef(fieldRef, ENV_FIELDS, path.child('fieldRef')) : []),
    ...(resourceFieldRef ? validateResourceFieldRef(resourceFieldRef, false, path.child('resourceFieldRef')) : []),
    ...(configMapKeyRef ? validateKeySelector(configMapKeyRef, path.child('configMapKeyRef')) : []),
    ...(secretKeyRef ? validateKeySelector(secretKeyRef, path.child('secretKeyRef')) : []),
    ...(fileKeyRef ? validateFileKey(fileKeyRef, path.child('fileKeyRef')) : []),
  ];
  const count = Object.keys(valueFrom).length;
  if (count === 0)
    errors.push(
      invalid(
        path,
        '',
        isEnabled('EnvFiles')
          ? 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'
          : 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`',
      ),
    );
  else if (value !== '') errors.push(invalid(path, '', 'may not be specified when `value` is not empty'));
  else if (count > 1) errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
  return errors;
}

/** A key of a config map or of a secret. */
function validateKeySelector({ name = '', key = '' }: ConfigMapKeySelector, path: Path): ErrorList {
  const at = path.child('key');
  return [
    ...invalidFor(path.child('name'), name, nameIsDNSSubdomain(name, false)),
    ...(key === '' ? [required(at)] : invalidFor(at, key, isConfigMapKey(key))),
  ];
}

function validateFileKey({ key = '', volumeName = '', path: target = '' }: FileKeySelector, path: Path): ErrorList {
  const [keyAt, volumeAt, pathAt] = [path.child('key'), path.child('volumeName'), path.child('path')];
  return [
    ...(key === '' ? [required(keyAt)] : invalidFor(keyAt, key, isRelaxedEnvVarName(key))),
    ...(volumeName === '' ? [required(volumeAt)] : dnsLabel(volumeName, volumeAt)),
    ...(target === '' ? [required(pathAt)] : validatePathNoBacksteps(target, pathAt)),
  ];
}

export function validateEnvFrom(sources: readonly EnvFromSource[], path: Path): ErrorList {
  return sources.flatMap(({ prefix = '', configMapRef, secretRef }, i) => {
    const at = path.index(i);
    const errors = prefix === '' ? [] : invalidFor(at.child('prefix'), prefix, isRelaxedEnvVarName(prefix));
    for (const [key, reference] of Object.entries({ configMapRef, secretRef })) {
      if (!reference) continue;
      const { name = '' } = reference;
      const nameAt = at.child(key, 'name');
      errors.push(...(name === '' ? [required(nameAt)] : invalidFor(nameAt, name, nameIsDNSSubdomain(name, true))));
    }
    // Upstream reports these at the list.
    if (!configMapRef && !secretRef)
      errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    else if (configMapRef && secretRef)
      errors.push(invalid(path, '', 'may not have more than one field specified at a time'));
    return errors;
  });
}

/** Variables are read from files of emptyDir volumes alone. */
export function validateFileKeyVolumes(spec: PodSpec, path: Path): ErrorList {
  const volumes = new Map((spec.volumes ?? []).map((volume) => [volume.name, volume]));
  return containersWithPath(spec, path).flatMap(([{ env }, at]) =>
    (env ?? []).flatMap(({ valueFrom }, i) => {
      if (!valueFrom?.fileKeyRef) return [];
      const { volumeName = '' } = valueFrom.fileKeyRef;
      const field = at.child('env').index(i).child('valueFrom', 'fileKeyRef', 'volumeName');
      const volume = volumes.get(volumeName);
      if (!volume) return [notFound(field, volumeName)];
      return volume.emptyDir ? [] : [invalid(field, volumeName, 'referenced volume must be of type emptyDir')];
    }),
  );
}
