/** Volumes inside containers, as directories and as block devices. */

import { type ErrorList, forbidden, invalid, notFound, notSupported, type Path, required } from '@keelson/api/field';
import type { Container, VolumeDevice, VolumeMount } from '@keelson/api/generated/types/core/v1';
import type { AnyContainer } from '@keelson/api/resources/pod-parts';
import { validateLocalDescendingPath, validatePathNoBacksteps } from './paths.ts';
import type { Volumes } from './volumes.ts';

const PROPAGATION = ['Bidirectional', 'HostToContainer', 'None'];
const RECURSIVE_READ_ONLY = ['Disabled', 'Enabled', 'IfPossible'];

/** Mounts and devices: no volume and no path may be both. */
export function validateMountsAndDevices(container: AnyContainer, volumes: Volumes, path: Path): ErrorList {
  const { volumeMounts = [], volumeDevices = [] } = container;
  return [
    ...validateMounts(volumeMounts, volumeDevices, container, volumes, path.child('volumeMounts')),
    ...validateDevices(volumeDevices, volumeMounts, volumes, path.child('volumeDevices')),
  ];
}

function validateMounts(
  mounts: readonly VolumeMount[],
  devices: readonly VolumeDevice[],
  container: AnyContainer,
  volumes: Volumes,
  path: Path,
): ErrorList {
  const paths = new Set<string>();
  return mounts.flatMap((mount, i) => {
    const { name = '', mountPath = '', subPath = '', subPathExpr = '' } = mount;
    const [nameAt, pathAt] = [path.index(i).child('name'), path.index(i).child('mountPath')];
    const errors: ErrorList = [];
    if (name === '') errors.push(required(nameAt));
    if (!volumes.has(name)) errors.push(notFound(nameAt, name));
    if (mountPath === '') errors.push(required(pathAt));
    if (paths.has(mountPath)) errors.push(invalid(pathAt, mountPath, 'must be unique'));
    paths.add(mountPath);
    if (devices.some((device) => device.name === name))
      errors.push(invalid(nameAt, name, 'must not already exist in volumeDevices'));
    if (devices.some((device) => device.devicePath === mountPath))
      errors.push(invalid(pathAt, mountPath, 'must not already exist as a path in volumeDevices'));
    // From here on upstream's paths lack the index.
    if (subPath !== '') errors.push(...validateLocalDescendingPath(subPath, path.child('subPath')));
    if (subPathExpr !== '') {
      if (subPath !== '')
        errors.push(
          invalid(path.index(i).child('subPathExpr'), subPathExpr, 'subPathExpr and subPath are mutually exclusive'),
        );
      errors.push(...validateLocalDescendingPath(subPathExpr, path.child('subPathExpr')));
    }
    return [
      ...errors,
      ...validatePropagation(mount.mountPropagation, container, path.child('mountPropagation')),
      ...validateRecursiveReadOnly(mount, path.child('recursiveReadOnly')),
    ];
  });
}

function validatePropagation(mode: string | undefined, { securityContext }: AnyContainer, path: Path): ErrorList {
  if (mode === undefined) return [];
  if (!PROPAGATION.includes(mode)) return [notSupported(path, mode, PROPAGATION)];
  return mode === 'Bidirectional' && !securityContext?.privileged
    ? [forbidden(path, 'Bidirectional mount propagation is available only to privileged containers')]
    : [];
}

function validateRecursiveReadOnly(
  { recursiveReadOnly, readOnly, mountPropagation }: VolumeMount,
  path: Path,
): ErrorList {
  if (recursiveReadOnly === undefined || recursiveReadOnly === 'Disabled') return [];
  if (!RECURSIVE_READ_ONLY.includes(recursiveReadOnly))
    return [notSupported(path, recursiveReadOnly, RECURSIVE_READ_ONLY)];
  const errors: ErrorList = [];
  if (!readOnly) errors.push(forbidden(path, 'may only be specified when readOnly is true'));
  if (mountPropagation !== undefined && mountPropagation !== 'None')
    errors.push(forbidden(path, 'may only be specified when mountPropagation is None or not specified'));
  return errors;
}

function validateDevices(
  devices: readonly VolumeDevice[],
  mounts: NonNullable<Container['volumeMounts']>,
  volumes: Volumes,
  path: Path,
): ErrorList {
  const names = new Set<string>();
  const paths = new Set<string>();
  return devices.flatMap(({ name = '', devicePath = '' }, i) => {
    const [nameAt, pathAt] = [path.index(i).child('name'), path.index(i).child('devicePath')];
    const volume = volumes.get(name);
    const errors: ErrorList = [];
    if (name === '') errors.push(required(nameAt));
    if (names.has(name)) errors.push(invalid(nameAt, name, 'must be unique'));
    if (!volume) errors.push(notFound(nameAt, name));
    else if (!volume.persistentVolumeClaim && !volume.ephemeral)
      errors.push(
        invalid(nameAt, name, 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode'),
      );
    if (devicePath === '') errors.push(required(pathAt));
    if (paths.has(devicePath)) errors.push(invalid(pathAt, devicePath, 'must be unique'));
    if (validatePathNoBacksteps(devicePath, pathAt).length > 0)
      errors.push(invalid(pathAt, devicePath, "can not contain backsteps ('..')"));
    else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name))
      errors.push(invalid(nameAt, name, 'must not already exist in volumeMounts'));
    if (mounts.some((mount) => mount.mountPath === devicePath))
      errors.push(invalid(pathAt, devicePath, 'must not already exist as a path in volumeMounts'));
    if (name !== '') names.add(name);
    return errors;
  });
}
