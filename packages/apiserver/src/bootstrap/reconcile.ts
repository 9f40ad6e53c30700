/** From desired and stored objects to writes, and how they are carried out. */
import { setTimeout as sleep } from 'node:timers/promises';
import { hasReason } from '@keelson/api/errors';
import type { KubeObject } from '@keelson/api/object';
import { UnreadableValueError } from '@keelson/storage/store';

/** An update carries the stored object's resourceVersion, a delete is bound to its uid. */
export type Write<T> = { readonly type: 'create' | 'update' | 'delete'; readonly object: T };

/** The few verbs that bootstrapping needs, on whole objects; kind and namespace are read from the object. */
export interface BootstrapClient {
  /** Undefined when it does not exist. */
  get(apiVersion: string, kind: string, namespace: string, name: string): Promise<KubeObject | undefined>;
  create(object: KubeObject): Promise<void>;
  update(object: KubeObject): Promise<void>;
  /** Bound to the object's uid. */
  delete(object: KubeObject): Promise<void>;
}

const MAX_ATTEMPTS = 5;
/**
 * Somebody else was faster, for instance another server of the cluster: look again. What is Invalid may have been made by
 * that one just now, too: an address is taken before the service that has it is there.
 */
const RETRIED = ['AlreadyExists', 'Conflict', 'NotFound', 'ServiceUnavailable', 'Invalid'];
const PAUSE_MS = 50;

/**
 * Brings each object to what `plan` wants, again when somebody else writes at the same time.
 * @throws the last StatusError after five attempts, and any other error at once
 */
export async function ensure<T>(
  client: BootstrapClient,
  desired: T,
  plan: (desired: T, live: T | undefined) => readonly Write<T>[],
): Promise<void> {
  const { apiVersion = '', kind = '', metadata } = asObject(desired);
  for (let attempt = 1; ; attempt++) {
    try {
      const live = await client.get(apiVersion, kind, metadata.namespace ?? '', metadata.name ?? '');
      for (const { type, object } of plan(desired, live as T | undefined)) await client[type](asObject(object));
      return;
    } catch (error) {
      const again = hasReason(error, ...RETRIED) && attempt < MAX_ATTEMPTS;
      if (!again) throw error;
      await sleep(attempt * PAUSE_MS);
    }
  }
}

/** A key that is lost keeps these as they are, and no server from its work; that something cannot be read is logged where it lies. */
export async function unlessUnreadable(written: Promise<void>): Promise<void> {
  await written.catch((error: unknown) => {
    if (!(error instanceof UnreadableValueError)) throw error;
  });
}

/** Creates what is missing and leaves alone what is there. */
export function createOnly<T>(desired: T, live: T | undefined): Write<T>[] {
  return live ? [] : [{ type: 'create', object: desired }];
}

/** Generated types have no index signature, but every one of them is an object with metadata. */
function asObject(object: unknown): KubeObject {
  return object as KubeObject;
}
