/** A definition that is deleted goes after its objects (apiextensions-apiserver/pkg/controller/finalizer). */
import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import { API_SERVER_USER } from '../bootstrap/client.ts';
import { deleteObject } from '../registry/delete.ts';
import type { ResourceStore, WriteRequest } from '../registry/store.ts';

export const CLEANUP_FINALIZER = 'customresourcecleanup.apiextensions.k8s.io';

export function isTerminating({ metadata }: CustomResourceDefinition): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers?.includes(CLEANUP_FINALIZER) ?? false);
}

/**
 * Asks that every object of the resource be deleted.
 * @returns how many are still there: those with finalizers
 */
export async function deleteInstances(store: ResourceStore, version: string, now: Date): Promise<number> {
  await store.cacher.fresh();
  for (const { namespace, name } of [...store.cacher.list('')]) {
    const request: WriteRequest = {
      ctx: { namespace, user: API_SERVER_USER, now, dryRun: false, requestVersion: version },
      warn: () => {},
    };
    await deleteObject(store, { ...request, name, options: {} }).catch((error: unknown) => {
      if ((error as { code?: number }).code !== 404) throw error;
    });
  }
  await store.cacher.fresh();
  return store.cacher.count('');
}
