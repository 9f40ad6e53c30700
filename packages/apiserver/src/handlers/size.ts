/** Objects that the store does not take as they are (apiserver/pkg/endpoints/handlers/rest.go, isTooLargeError). */
import type { KubeObject } from '@keelson/api/object';
import { TooLargeToStore } from '../registry/store-error.ts';

/**
 * Writes, and where that is too large once more without managedFields, which can be most of it.
 * @param write is told whether managers of fields are left out
 */
export async function leavingManagersOut<T>(write: (isLeft: boolean) => Promise<T>): Promise<T> {
  try {
    return await write(false);
  } catch (error) {
    if (!(error instanceof TooLargeToStore)) throw error;
    return write(true);
  }
}

/** In place. */
export function withoutManagers(object: KubeObject): KubeObject {
  delete object.metadata.managedFields;
  return object;
}
