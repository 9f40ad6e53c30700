/** Seccomp and AppArmor profiles: fields, the annotations that came before them, and that both agree. */

import {
  type ErrorList,
  forbidden,
  invalid,
  notSupported,
  type Path,
  quote,
  required,
  tooLong,
} from '@keelson/api/field';
import type { AppArmorProfile, PodSpec, SeccompProfile } from '@keelson/api/generated/types/core/v1';
import { internalValue } from '../../../validation/internal.ts';
import type { SpecAndMeta } from './options.ts';
import { validateLocalDescendingPath } from './paths.ts';
import { containersWithPath } from './visit.ts';

type Annotations = Readonly<Record<string, string>>;

const TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];
const MAX_PROFILE = 4095;
export const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
export const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const APPARMOR = 'container.apparmor.security.beta.kubernetes.io/';
const LOCALHOST = 'localhost/';
const RUNTIME_DEFAULT = 'runtime/default';
const DOCKER_DEFAULT = 'docker/default';
const UNCONFINED = 'unconfined';

export function validateSeccompProfile(profile: SeccompProfile | undefined, path: Path): ErrorList {
  if (!profile) return [];
  const { type = '', localhostProfile } = profile;
  const errors: ErrorList = [];
  if (type === '') errors.push(required(path.child('type'), 'type is required when seccompProfile is set'));
  else if (!TYPES.includes(type)) errors.push(notSupported(path.child('type'), type, TYPES));
  const at = path.child('localhostProfile');
  if (type !== 'Localhost') {
    if (localhostProfile !== undefined) {
      const shown = internalValue('io.k8s.api.core.v1.SeccompProfile', profile);
      errors.push(invalid(at, shown, 'can only be set when seccomp type is Localhost'));
    }
  } else if (localhostProfile === undefined) errors.push(required(at, 'must be set when seccomp type is Localhost'));
  else errors.push(...validateLocalDescendingPath(localhostProfile, at));
  return errors;
}

export function validateAppArmorProfile(profile: AppArmorProfile | undefined, path: Path): ErrorList {
  if (!profile) return [];
  const { type = '', localhostProfile: local } = profile;
  const at = path.child('localhostProfile');
  if (type === '') return [required(path.child('type'), 'type is required when appArmorProfile is set')];
  if (!TYPES.includes(type)) return [notSupported(path.child('type'), type, TYPES)];
  if (type !== 'Localhost')
    return local === undefined ? [] : [invalid(at, local, 'can only be set when AppArmor type is Localhost')];
  if (local === undefined) return [required(at, 'must be set when AppArmor type is Localhost')];
  const errors: ErrorList = [];
  if (local.trim() !== local) errors.push(invalid(at, local, 'must not be padded with whitespace'));
  else if (local === '') errors.push(required(at, 'must be set when AppArmor type is Localhost'));
  if (Buffer.byteLength(local) > MAX_PROFILE) errors.push(tooLong(at, MAX_PROFILE));
  return errors;
}

export function validateSeccompAnnotations(annotations: Annotations, path: Path): ErrorList {
  const pod = annotations[SECCOMP_POD];
  return [
    ...(pod === undefined ? [] : validateSeccompAnnotation(pod, path.child(SECCOMP_POD))),
    ...Object.entries(annotations).flatMap(([key, value]) =>
      key.startsWith(SECCOMP_CONTAINER) ? validateSeccompAnnotation(value, path.child(key)) : [],
    ),
  ];
}

function validateSeccompAnnotation(profile: string, path: Path): ErrorList {
  if ([RUNTIME_DEFAULT, DOCKER_DEFAULT, UNCONFINED].includes(profile)) return [];
  if (profile.startsWith(LOCALHOST)) return validateLocalDescendingPath(profile.slice(LOCALHOST.length), path);
  return [invalid(path, profile, 'must be a valid seccomp profile')];
}

export function validateAppArmorAnnotations(annotations: Annotations, spec: PodSpec, path: Path): ErrorList {
  const names = new Set(containersWithPath(spec, path).map(([container]) => container.name));
  return Object.entries(annotations).flatMap(([key, profile]) => {
    if (!key.startsWith(APPARMOR)) return [];
    const name = key.slice(APPARMOR.length);
    const errors: ErrorList = names.has(name) ? [] : [invalid(path.key(key), name, 'container not found')];
    if (!['', RUNTIME_DEFAULT, UNCONFINED].includes(profile) && !profile.startsWith(LOCALHOST))
      errors.push(invalid(path.key(key), profile, `invalid AppArmor profile name: ${quote(profile)}`));
    return errors;
  });
}

/** Where a pod says it both ways, it must say the same. */
export function validateSeccompAgreement({ metadata, spec }: SpecAndMeta, path: Path): ErrorList {
  const annotations = metadata.annotations ?? {};
  const agree = (profile: SeccompProfile | undefined, key: string, at: Path) =>
    profile ? agreement('seccomp', profile, annotations[key], [RUNTIME_DEFAULT, DOCKER_DEFAULT], at) : [];
  return [
    ...agree(spec.securityContext?.seccompProfile, SECCOMP_POD, path.child('securityContext', 'seccompProfile')),
    ...containersWithPath(spec, path).flatMap(([{ name, securityContext }, at]) =>
      agree(securityContext?.seccompProfile, SECCOMP_CONTAINER + name, at.child('securityContext', 'seccompProfile')),
    ),
  ];
}

/** The same; a container without a profile of its own has its pod's. */
export function validateAppArmorAgreement({ metadata, spec }: SpecAndMeta, path: Path): ErrorList {
  if (spec.os?.name === 'windows') return [];
  const annotations = metadata.annotations ?? {};
  return containersWithPath(spec, path).flatMap(([{ name, securityContext }, at]) => {
    const profile = securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    if (!profile) return [];
    const field = at.child('securityContext', 'appArmorProfile');
    return agreement('apparmor', profile, annotations[APPARMOR + name], [RUNTIME_DEFAULT], field);
  });
}

function agreement(
  what: string,
  { type, localhostProfile }: SeccompProfile | AppArmorProfile,
  annotation: string | undefined,
  runtimeDefaults: readonly string[],
  path: Path,
): ErrorList {
  if (annotation === undefined) return [];
  const otherType = [forbidden(path.child('type'), `${what} type in annotation and field must match`)];
  if (type === 'Unconfined') return annotation === UNCONFINED ? [] : otherType;
  if (type === 'RuntimeDefault') return runtimeDefaults.includes(annotation) ? [] : otherType;
  if (type !== 'Localhost') return [];
  if (!annotation.startsWith(LOCALHOST)) return otherType;
  if (annotation.slice(LOCALHOST.length) === localhostProfile) return [];
  return [forbidden(path.child('localhostProfile'), `${what} profile in annotation and field must match`)];
}
