/** Security contexts of pods and containers. */

import { duplicate, type ErrorList, forbidden, invalid, notSupported, type Path, required } from '@keelson/api/field';
import type { PodSpec, SecurityContext, Sysctl } from '@keelson/api/generated/types/core/v1';
import { isValidUserID } from '@keelson/api/validation/names';
import { invalidFor } from '../../../validation/fields.ts';
import { internalValue } from '../../../validation/internal.ts';
import type { PodValidationOptions } from './options.ts';
import { validateAppArmorProfile, validateSeccompProfile } from './profiles.ts';
import { validateWindowsOptions } from './windows.ts';

const FS_GROUP_CHANGE_POLICIES = ['Always', 'OnRootMismatch'];
const SUPPLEMENTAL_GROUPS_POLICIES = ['Merge', 'Strict'];
const SELINUX_CHANGE_POLICIES = ['MountOption', 'Recursive'];
const PROC_MOUNTS = ['Default', 'Unmasked'];
const MAX_SYSCTL = 253;
const SHOWN_SYSCTL = '^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';
const SYSCTL = /^[a-z0-9]+(?:[-_]+[a-z0-9]+)*(?:[./][a-z0-9]+(?:[-_]+[a-z0-9]+)*)*$/;
const IPC_SYSCTLS = new Set([
  'kernel.sem',
  'kernel.shmall',
  'kernel.shmmax',
  'kernel.shmmni',
  'kernel.shm_rmid_forced',
  'kernel.shm',
  'kernel.msgmax',
  'kernel.msgmnb',
  'kernel.msgmni',
  'kernel.msg',
]);

export function validatePodSecurityContext(spec: PodSpec, options: PodValidationOptions, path: Path): ErrorList {
  const { securityContext: context } = spec;
  if (!context) return [];
  const errors: ErrorList = [];
  for (const key of ['fsGroup', 'runAsUser', 'runAsGroup'] as const)
    errors.push(...validateID(context[key], path.child(key)));
  for (const [i, group] of (context.supplementalGroups ?? []).entries())
    errors.push(...validateID(group, path.child('supplementalGroups').index(i)));
  if (spec.shareProcessNamespace && spec.hostPID)
    errors.push(
      invalid(path.child('shareProcessNamespace'), true, 'ShareProcessNamespace and HostPID cannot both be enabled'),
    );
  errors.push(...validateSysctls(context.sysctls ?? [], spec, options, path.child('sysctls')));
  errors.push(...oneOf(context.fsGroupChangePolicy, FS_GROUP_CHANGE_POLICIES, path.child('fsGroupChangePolicy')));
  const selinux = options.allowOnlyRecursiveSELinuxChangePolicy ? ['Recursive'] : SELINUX_CHANGE_POLICIES;
  return [
    ...errors,
    ...validateSeccompProfile(context.seccompProfile, path.child('seccompProfile')),
    ...validateWindowsOptions(context.windowsOptions, path.child('windowsOptions')),
    ...validateAppArmorProfile(context.appArmorProfile, path.child('appArmorProfile')),
    ...oneOf(context.supplementalGroupsPolicy, SUPPLEMENTAL_GROUPS_POLICIES, path.child('supplementalGroupsPolicy')),
    ...oneOf(context.seLinuxChangePolicy, selinux, path.child('seLinuxChangePolicy')),
  ];
}

export function validateID(id: number | undefined, path: Path): ErrorList {
  return id === undefined ? [] : invalidFor(path, id, isValidUserID(id));
}

function oneOf(value: string | undefined, supported: readonly string[], path: Path): ErrorList {
  return value === undefined || supported.includes(value) ? [] : [notSupported(path, value, supported)];
}

function validateSysctls(
  sysctls: readonly Sysctl[],
  spec: PodSpec,
  options: PodValidationOptions,
  path: Path,
): ErrorList {
  const seen = new Set<string>();
  return sysctls.flatMap(({ name = '' }, i) => {
    const at = path.index(i).child('name');
    const errors: ErrorList = [];
    if (name === '') errors.push(required(at));
    else if (Buffer.byteLength(name) > MAX_SYSCTL || !SYSCTL.test(name))
      errors.push(invalid(at, name, `must have at most ${MAX_SYSCTL} characters and match regex ${SHOWN_SYSCTL}`));
    else if (seen.has(name)) errors.push(duplicate(at, name));
    seen.add(name);
    if (!options.allowNamespacedSysctlsForHostNetAndHostIPC && isHostSysctl(name, spec)) {
      const field = namespaceOf(name) === 'net' ? 'hostNetwork' : 'hostIPC';
      errors.push(invalid(at, name, `may not be specified when '${field}' is true`));
    }
    return errors;
  });
}

/** Belongs to a namespace that the pod shares with its host. */
export function isHostSysctl(name: string, spec: PodSpec): boolean {
  const namespace = namespaceOf(name);
  return (namespace === 'net' && spec.hostNetwork === true) || (namespace === 'ipc' && spec.hostIPC === true);
}

function namespaceOf(name: string): 'net' | 'ipc' | undefined {
  const dotted = /^[^./]*\//.test(name) ? name.replace(/[./]/g, (c) => (c === '.' ? '/' : '.')) : name;
  const [sysctl = ''] = dotted.split('*');
  if (IPC_SYSCTLS.has(sysctl) || sysctl.startsWith('fs.mqueue.')) return 'ipc';
  return sysctl.startsWith('net.') ? 'net' : undefined;
}

/** @param hostUsers whether the pod runs in its host's user namespace */
export function validateSecurityContext(
  context: SecurityContext | undefined,
  hostUsers: boolean,
  options: PodValidationOptions,
  path: Path,
): ErrorList {
  if (!context) return [];
  const { procMount } = context;
  const errors = [
    ...(context.privileged && !options.allowPrivileged
      ? [forbidden(path.child('privileged'), 'disallowed by cluster policy')]
      : []),
    ...validateID(context.runAsUser, path.child('runAsUser')),
    ...validateID(context.runAsGroup, path.child('runAsGroup')),
    ...oneOf(procMount, PROC_MOUNTS, path.child('procMount')),
  ];
  if (hostUsers && procMount === 'Unmasked')
    errors.push(invalid(path.child('procMount'), procMount, '`hostUsers` must be false to use `Unmasked`'));
  return [
    ...errors,
    ...validateSeccompProfile(context.seccompProfile, path.child('seccompProfile')),
    ...validatePrivilegeEscalation(context, path),
    ...validateWindowsOptions(context.windowsOptions, path.child('windowsOptions')),
    ...validateAppArmorProfile(context.appArmorProfile, path.child('appArmorProfile')),
  ];
}

function validatePrivilegeEscalation(context: SecurityContext, path: Path): ErrorList {
  if (context.allowPrivilegeEscalation !== false) return [];
  const contradicts = (what: string) =>
    invalid(
      path,
      internalValue('io.k8s.api.core.v1.SecurityContext', context),
      `cannot set \`allowPrivilegeEscalation\` to false and ${what}`,
    );
  return [
    ...(context.privileged ? [contradicts('`privileged` to true')] : []),
    ...(context.capabilities?.add ?? [])
      .filter((capability) => capability === 'CAP_SYS_ADMIN')
      .map(() => contradicts('`capabilities.Add` CAP_SYS_ADMIN')),
  ];
}
