/** Between the version of a request and the one that is stored. */
import { apiVersionOf, type KubeObject } from '@keelson/api/object';
import type { ServedResource } from './resource.ts';

/** From the version of the request to that of the store. May reuse its argument. */
export function toStorage(served: Pick<ServedResource, 'definition' | 'version'>, object: KubeObject): KubeObject {
  const { storage, registration } = served.definition;
  if (served.version === storage.version && served.definition.group === storage.group) return object;
  const converted = registration.conversions?.[served.version]?.toStorage(object) ?? object;
  converted.apiVersion = apiVersionOf(storage);
  return converted;
}

/** From the version of the store to that of the request. Does not change its argument. */
export function fromStorage(served: ServedResource, object: KubeObject): KubeObject {
  const { storage, registration } = served.definition;
  if (served.version === storage.version && served.definition.group === storage.group) return object;
  const converted = registration.conversions?.[served.version]?.fromStorage?.(object) ?? { ...object };
  converted.apiVersion = apiVersionOf({ group: served.definition.group, version: served.version });
  return converted;
}
