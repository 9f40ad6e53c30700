/** Watch caches that cannot be filled, as clients are told of them (apiserver/pkg/storage/cacher/ready.go). */
import { internalError, StatusError, tooManyRequests } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';
import { UnreadableValueError } from '@keelson/storage/store';
import type { Obstacle } from '../registry/cacher.ts';
import type { ServedResource } from '../registry/resource.ts';

/** The longer it takes, the later clients shall come back. */
const GROWTH_PER_SECOND = 0.06;
const MAX_RETRY_SECONDS = 30;

/** Who wants to know of everything shall come again. */
export function unready({ definition, version }: ServedResource, { error, downtimeMs }: Obstacle): StatusError {
  const { group, kind, storageForm } = definition;
  // Upstream names its own type: a built-in one of Go by its package, any other by group, version and kind.
  const type = storageForm.type ? `*${(group || 'core').split('.')[0]}.${kind}` : `${group}/${version}, Kind=${kind}`;
  const why = error instanceof UnreadableValueError ? reasonOf(error) : error.message;
  const seconds = Math.trunc(Math.exp((GROWTH_PER_SECOND * downtimeMs) / 1000));
  return tooManyRequests(
    `storage is (re)initializing: failed to list ${type}: ${why}`,
    Math.min(MAX_RETRY_SECONDS, Math.max(1, seconds)),
  );
}

/** Who asked for many is told which one it was (etcd3/store.go, GetList). */
export function unreadableItem(error: UnreadableValueError): StatusError {
  return error.isSealed ? internalError(reasonOf(error)) : new StatusError(500, '', error.message);
}

function reasonOf({ key, message, isSealed }: UnreadableValueError): string {
  return isSealed ? `unable to transform key ${quote(key)}: ${message}` : message;
}
