import type { TypedObject } from '@keelson/api/object';
import { hasReason, type ResourceClient } from '@keelson/client';

/** Adds or takes a finalizer; what is gone by now needs neither. @throws StatusError, a conflict among others */
export async function setFinalizer<T extends TypedObject>(
  resource: ResourceClient<T>,
  object: T,
  finalizer: string,
  wanted: boolean,
): Promise<void> {
  const others = (object.metadata.finalizers ?? []).filter((each) => each !== finalizer);
  const finalizers = wanted ? [...others, finalizer] : others;
  try {
    await resource.update({ ...object, metadata: { ...object.metadata, finalizers } });
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
  }
}

/** What has to be done about a finalizer that protects an object from being deleted while it is used. */
export function protection(
  { metadata }: TypedObject,
  finalizer: string,
  isUsed: () => boolean,
): 'add' | 'remove' | undefined {
  const isProtected = metadata.finalizers?.includes(finalizer) ?? false;
  if (!metadata.deletionTimestamp) return isProtected ? undefined : 'add';
  return isProtected && !isUsed() ? 'remove' : undefined;
}
