import { type ErrorList, invalid, type Path, required } from '@keelson/api/field';
import type { ISCSIPersistentVolumeSource } from '@keelson/api/generated/types/core/v1';
import { inclusiveRangeMessage } from '@keelson/api/validation/names';
import { isISCSIName } from '../../validation/iscsi.ts';

/** Of `<volume>:<portal>`, which becomes part of the initiator's name. */
const MAX_INTERFACE_NAME = 64;

/** @param pvName the name of the volume that the source belongs to */
export function validateISCSI(source: ISCSIPersistentVolumeSource, path: Path, pvName: string): ErrorList {
  const { targetPortal, iqn, lun, initiatorName, secretRef } = source;
  const errors: ErrorList = [];
  if (!targetPortal) errors.push(required(path.child('targetPortal')));
  if (initiatorName !== undefined && Buffer.byteLength(`${pvName}:${targetPortal}`) > MAX_INTERFACE_NAME)
    errors.push(
      invalid(
        path.child('targetportal'),
        targetPortal,
        'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.',
      ),
    );
  errors.push(...(iqn ? validateQualifiedName(iqn, path.child('iqn')) : [required(path.child('iqn'))]));
  if (lun < 0 || lun > 255) errors.push(invalid(path.child('lun'), lun, inclusiveRangeMessage(0, 255)));
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !secretRef)
    errors.push(required(path.child('secretRef')));
  if (secretRef && !secretRef.name) errors.push(required(path.child('secretRef', 'name')));
  if (initiatorName !== undefined) errors.push(...validateQualifiedName(initiatorName, path.child('initiatorname')));
  return errors;
}

function validateQualifiedName(name: string, path: Path): ErrorList {
  return isISCSIName(name) ? [] : [invalid(path, name, 'must be valid format')];
}
