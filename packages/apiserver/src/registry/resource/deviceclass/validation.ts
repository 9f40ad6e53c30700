/** Compare pkg/apis/resource/validation: ValidateDeviceClass. */
import { semanticEqual } from '@keelson/api/codec/equality';
import { type ErrorList, invalid, Path } from '@keelson/api/field';
import type { DeviceClass } from '@keelson/api/generated/types/resource/v1';
import { isExtendedResource } from '@keelson/api/resources/names';
import { validateList } from '../collections.ts';
import { MAX_CONFIG } from '../deviceclaim.ts';
import { validateConfiguration, validateSelectors } from '../devices.ts';

/** @param old the class before an update: what has not changed in it is judged more leniently */
export function validateDeviceClass({ spec }: DeviceClass, old?: DeviceClass): ErrorList {
  const path = Path.of('spec');
  const stored = old !== undefined && semanticEqual(spec.config, old.spec.config);
  const { extendedResourceName: name } = spec;
  return [
    ...validateSelectors(spec.selectors, path.child('selectors')),
    ...validateList(spec.config, MAX_CONFIG, (c, p) => validateConfiguration(c, stored, p), path.child('config')),
    ...(name === undefined || isExtendedResource(name)
      ? []
      : [invalid(path.child('extendedResourceName'), name, 'must be a valid extended resource name')]),
  ];
}
