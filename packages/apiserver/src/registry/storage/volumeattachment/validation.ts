/** Compare pkg/apis/storage/validation: ValidateVolumeAttachment. */

import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, forbidden, invalid, Path, required, tooLong } from '@keelson/api/field';
import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from '@keelson/api/generated/types/storage/v1';
import { structType } from '@keelson/api/schema';
import { inclusiveRangeMessage, nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { validatePersistentVolumeSpec } from '../../core/persistentvolume/validation.ts';
import { validateCSIDriverName } from '../../validation/csi.ts';
import { invalidFor } from '../../validation/fields.ts';
import { internalValue } from '../../validation/internal.ts';

const SPEC_TYPE = structType('io.k8s.api.storage.v1.VolumeAttachmentSpec');
const SPEC = Path.of('spec');
const STATUS = Path.of('status');
const MAX_METADATA = 256 * 1024;
const MAX_MESSAGE = 1024;
const EXACTLY_ONE = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName';

export function validateVolumeAttachment({ spec, status }: VolumeAttachment): ErrorList {
  const pvName = spec.source.persistentVolumeName;
  return [
    ...validateCSIDriverName(spec.attacher, SPEC.child('attacher')),
    ...validateSource(spec.source, SPEC.child('source')),
    ...invalidFor(SPEC.child('nodeName'), spec.nodeName, nameIsDNSSubdomain(spec.nodeName, false)),
    ...validateAttachmentMetadata(status.attachmentMetadata),
    ...validateError(status.attachError, STATUS.child('attachError')),
    ...validateError(status.detachError, STATUS.child('detachError')),
    ...(pvName === undefined
      ? []
      : invalidFor(SPEC.child('source', 'persistentVolumeName'), pvName, nameIsDNSSubdomain(pvName, false))),
  ];
}

function validateSource({ inlineVolumeSpec, persistentVolumeName }: VolumeAttachmentSource, path: Path): ErrorList {
  if (inlineVolumeSpec && persistentVolumeName !== undefined) return [forbidden(path, EXACTLY_ONE)];
  if (inlineVolumeSpec)
    return validatePersistentVolumeSpec(inlineVolumeSpec, path.child('inlineVolumeSpec'), { inline: true });
  if (persistentVolumeName === undefined) return [required(path, EXACTLY_ONE)];
  return persistentVolumeName === ''
    ? [required(path.child('persistentVolumeName'), 'must specify non empty persistentVolumeName')]
    : [];
}

function validateAttachmentMetadata(metadata: Record<string, string> | undefined): ErrorList {
  const size = Object.entries(metadata ?? {}).reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  return size > MAX_METADATA ? [tooLong(STATUS.child('attachmentMetadata'), MAX_METADATA)] : [];
}

/** The message of one that is too long names another limit than the one that it broke: so it is upstream. */
function validateError(error: VolumeError | undefined, path: Path): ErrorList {
  if (!error) return [];
  const { message = '', errorCode } = error;
  return [
    ...(Buffer.byteLength(message) > MAX_MESSAGE ? [tooLong(path.child('message'), MAX_METADATA)] : []),
    ...(errorCode !== undefined && errorCode < 0
      ? [invalid(path.child('errorCode'), errorCode, inclusiveRangeMessage(0, 2 ** 31 - 1))]
      : []),
  ];
}

export function validateVolumeAttachmentUpdate(obj: VolumeAttachment, old: VolumeAttachment): ErrorList {
  const errors = validateVolumeAttachment(obj);
  if (!semanticEqual(obj.spec, old.spec, SPEC_TYPE)) {
    const shown = internalValue(SPEC_TYPE.name, obj.spec);
    errors.push(invalid(SPEC, shown, 'field is immutable'));
  }
  return errors;
}
