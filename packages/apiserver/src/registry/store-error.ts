/** The store's troubles as the API's errors. */
import { internalError, StatusError, timeout } from '@keelson/api/errors';
import {
  FutureRevisionError,
  type Store,
  StoreUnavailableError,
  UnreadableValueError,
  ValueTooLargeError,
} from '@keelson/storage/store';

/** The object was not written. */
export class TooLargeToStore extends StatusError {
  constructor({ message }: ValueTooLargeError) {
    super(500, '', message);
  }
}

/**
 * Upstream passes etcd's words on as they are, without a reason; what took as long as a request may take is a timeout
 * (apiserver/pkg/endpoints/handlers/responsewriters, finisher).
 * @returns undefined for what is no trouble of the store
 */
export function storeError(error: unknown): StatusError | undefined {
  if (error instanceof ValueTooLargeError) return new TooLargeToStore(error);
  if (error instanceof FutureRevisionError) return new StatusError(500, '', error.message);
  if (error instanceof UnreadableValueError)
    return error.isSealed ? internalError(error.message) : new StatusError(500, '', error.message);
  if (!(error instanceof StoreUnavailableError)) return undefined;
  return error.timedOut
    ? timeout('request did not complete within requested timeout - context deadline exceeded', 0)
    : new StatusError(500, '', error.reason);
}

/** Resolves when the store answers. @throws Error in the store's own words, which clients may read */
export async function storeHealth(store: Store, timeoutMs?: number): Promise<void> {
  await store.health(timeoutMs).catch((error: unknown) => {
    throw error instanceof StoreUnavailableError ? new Error(error.reason, { cause: error }) : error;
  });
}
