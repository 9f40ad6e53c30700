import { type ErrorList, forbidden, Path } from '@keelson/api/field';

interface WithAttributesClass {
  readonly volumeAttributesClassName?: string;
}

/** Of a volume, or a claim, where `VolumeAttributesClass` is off: what has a class keeps it. */
export function immutableAttributesClass(spec: WithAttributesClass, old: WithAttributesClass): ErrorList {
  if (spec.volumeAttributesClassName === old.volumeAttributesClassName) return [];
  const path = Path.of('spec', 'volumeAttributesClassName');
  return [forbidden(path, 'update is forbidden when the VolumeAttributesClass feature gate is disabled')];
}
