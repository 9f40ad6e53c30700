/**
 * LIST: from the cache wherever the cache knows the revision asked for, else from the store's history
 * (apiserver/pkg/storage/cacher/delegator.go, etcd3/store.go GetList).
 */
import { badRequest, resourceExpired, type StatusError } from '@keelson/api/errors';
import { pagesOf } from '@keelson/storage/pages';
import { CompactedError, FutureRevisionError, type KeyValue, UnreadableValueError } from '@keelson/storage/store';
import type { CachedObject, ObjectsView } from '../registry/cached-objects.ts';
import { Pace } from '../registry/pace.ts';
import { auditList } from './audit.ts';
import { decodeContinue, encodeContinue } from './continue.ts';
import type { ListOptions } from './options.ts';
import type { ListMeta } from './representation.ts';
import { listKey, representationFor } from './representations.ts';
import { parseListResourceVersion, resourceVersionTooLarge } from './revisions.ts';
import type { Scope } from './scope.ts';
import { onlyKey, type Selection, selectionOf } from './selection.ts';
import { sendChunks } from './send.ts';
import { unreadableItem, unready } from './unready.ts';

export interface Page {
  readonly items: readonly CachedObject[];
  readonly meta: ListMeta;
}

/** @throws StatusError 400, 410 (the revision is compacted), 422, 504 (the revision is in the future) */
export async function listObjects(scope: Scope, options: ListOptions): Promise<void> {
  const page = await pageOf(scope, options);
  const representation = representationFor(scope, 'list');
  const estimate = page.items.reduce((sum, item) => sum + item.bytes.length, 0);
  auditList(scope, page.items, page.meta, estimate);
  const form = listKey(scope);
  await sendChunks(
    scope.ctx,
    200,
    { 'content-type': representation.contentType },
    {
      write: (out) => representation.list(page.items, page.meta, out),
      estimate,
      key: form && `${page.meta.resourceVersion} ${form}`,
    },
  );
}

/** The objects that a list request selects, with the list's metadata. */
export async function pageOf(scope: Scope, options: ListOptions): Promise<Page> {
  const selection = selectionOf(scope, options);
  const plan = planOf(scope, options);
  try {
    return await pageOfPlan(scope, selection, plan);
  } catch (error) {
    const { obstacle } = scope.store.cacher;
    if (!obstacle || obstacle.error !== error) throw error;
    const isExact = plan.revision !== undefined;
    const isPageOfAll = selection.everything && options.limit > 0;
    if (!isExact && !isPageOfAll) throw unready(scope.served, obstacle);
    // Those that are asked for may be readable though others are not.
    const revision = plan.revision ?? (await scope.store.environment.store.currentRevision());
    return pageFromHistory(scope, selection, { ...plan, limit: options.limit }, revision);
  }
}

async function pageOfPlan(scope: Scope, selection: Selection, plan: Plan): Promise<Page> {
  const { cacher, isUncached } = scope.store;
  if (plan.revision === undefined) {
    if (plan.atLeast === undefined) await cacher.ready();
    else {
      const current = await cacher.fresh();
      if (plan.atLeast > current) throw resourceVersionTooLarge(plan.atLeast, current, isUncached ? 0 : 1);
    }
    return pageFromCache(scope, selection, plan, cacher.revision, cacher);
  }
  const current = await cacher.fresh();
  // Upstream asks the store itself for one object at a revision, and that does not say when to come again.
  if (plan.revision > current) {
    const isSaid = !isUncached && onlyKey(scope, selection) === undefined;
    throw resourceVersionTooLarge(plan.revision, current, isSaid ? 1 : 0);
  }
  if (plan.revision === current) return pageFromCache(scope, selection, plan, current, cacher);
  await checkKept(scope, plan, plan.revision);
  const objects = cacher.at(plan.revision);
  return objects
    ? pageFromCache(scope, selection, plan, plan.revision, objects)
    : pageFromHistory(scope, selection, plan, plan.revision);
}

/** What has been compacted is not to be had, though the cache may know it. @throws StatusError 410 */
async function checkKept(scope: Scope, plan: Plan, revision: number): Promise<void> {
  await scope.store.environment.store.get(rangePrefix(scope), { revision }).catch((error: unknown) => {
    throw historyError(error, scope, plan);
  });
}

interface Plan {
  /** Exactly this state; undefined: the newest. */
  readonly revision: number | undefined;
  /** The newest state, which must not be older than this; undefined: whatever the cache holds. */
  readonly atLeast: number | undefined;
  readonly from: string | undefined;
  /** 0: no limit. */
  readonly limit: number;
}

function planOf(scope: Scope, options: ListOptions): Plan {
  const limit = Math.max(0, options.limit);
  // A cache that is taken as it is does not page.
  const atAny = scope.store.isUncached ? limit : 0;
  if (options.continue !== '') {
    const position = decodeContinue(options.continue, rangePrefix(scope));
    if (options.resourceVersion !== '' && options.resourceVersion !== '0') {
      throw badContinueWithRevision();
    }
    return {
      revision: position.revision > 0 ? position.revision : undefined,
      atLeast: 0,
      from: position.from,
      limit: options.resourceVersion === '0' ? atAny : limit,
    };
  }
  const revision = parseListResourceVersion(options.resourceVersion);
  const isExact = options.resourceVersionMatch === 'Exact';
  const isLegacyExact = options.resourceVersionMatch === '' && limit > 0 && revision > 0;
  // Zero is refused in its usual spelling; in others it is no revision.
  if ((isExact || isLegacyExact) && revision > 0) return { revision, atLeast: undefined, from: undefined, limit };
  if (options.resourceVersion === '0')
    return { revision: undefined, atLeast: undefined, from: undefined, limit: atAny };
  return { revision: undefined, atLeast: revision, from: undefined, limit };
}

function badContinueWithRevision(): StatusError {
  return badRequest('specifying resource version is not allowed when using continue');
}

/** The key prefix that continue tokens are relative to. */
function rangePrefix(scope: Scope): string {
  const { namespace } = scope.ctx.info;
  const { prefix, namespaced } = scope.served.definition;
  return namespaced && namespace !== '' ? `${prefix}/${namespace}/` : `${prefix}/`;
}

function pageFromCache(scope: Scope, selection: Selection, plan: Plan, revision: number, objects: ObjectsView): Page {
  const key = onlyKey(scope, selection);
  if (key !== undefined && plan.from === undefined) {
    const one = objects.get(key);
    return { items: one && selection.matches(one) ? [one] : [], meta: { resourceVersion: String(revision) } };
  }
  if (selection.everything && plan.limit > 0) {
    const items = objects.list(selection.namespace, plan.from, plan.limit);
    const rest = objects.count(selection.namespace, plan.from) - items.length;
    return { items, meta: metaOf(scope, items.at(-1), rest > 0, rest, revision) };
  }
  const { namespace, demands } = selection;
  const items = take(objects.listMatching(demands, namespace, plan.from), selection, plan.limit);
  const last = items.at(-1);
  const more = plan.limit > 0 && items.length === plan.limit && objects.count(namespace, `${last!.key}\0`) > 0;
  return { items, meta: metaOf(scope, last, more, undefined, revision) };
}

async function pageFromHistory(scope: Scope, selection: Selection, plan: Plan, revision: number): Promise<Page> {
  const { environment, cacher } = scope.store;
  const key = onlyKey(scope, selection);
  if (key !== undefined && plan.from === undefined) {
    const { kv } = await environment.store.get(key, { revision }).catch((error: unknown) => {
      throw historyError(error, scope, plan);
    });
    const one = kv && cachedItem(scope, kv);
    return { items: one && selection.matches(one) ? [one] : [], meta: { resourceVersion: String(revision) } };
  }
  const { prefix, namespaced } = scope.served.definition;
  const range = namespaced && selection.namespace !== '' ? `${prefix}/${selection.namespace}/` : `${prefix}/`;
  const pace = new Pace();
  const items: CachedObject[] = [];
  // Of a selection's pages nobody knows how many objects they take.
  const limit = selection.everything && plan.limit > 0 ? Math.min(plan.limit, HISTORY_PAGE) : HISTORY_PAGE;
  const pages = pagesOf(environment.store, { prefix: range, from: plan.from ?? range, revision, limit });
  try {
    for await (const { kvs, count } of pages) {
      for (const [i, kv] of kvs.entries()) {
        // Most of the past is as it was.
        const now = cacher.get(kv.key);
        const object = now?.revision === kv.modRevision ? now : cachedItem(scope, kv);
        if (object !== now) await pace.after(kv.value.length);
        if (selection.matches(object)) items.push(object);
        if (plan.limit > 0 && items.length === plan.limit) {
          const rest = count - i - 1;
          return {
            items,
            meta: metaOf(scope, object, rest > 0, selection.everything ? rest : undefined, revision),
          };
        }
      }
    }
  } catch (error) {
    throw historyError(error, scope, plan);
  }
  return { items, meta: metaOf(scope, undefined, false, undefined, revision) };
}

/** @throws StatusError 500 */
function cachedItem({ store }: Scope, kv: KeyValue): CachedObject {
  try {
    return store.codec.cached(kv);
  } catch (error) {
    throw error instanceof UnreadableValueError ? unreadableItem(error) : error;
  }
}

/** Of what lies in the store's history so much is read at once. */
const HISTORY_PAGE = 1000;

/** @param limit 0: none */
function take(all: readonly CachedObject[], selection: Selection, limit: number): readonly CachedObject[] {
  if (selection.everything && limit === 0) return all;
  const items: CachedObject[] = [];
  for (const object of all) {
    if (!selection.matches(object)) continue;
    items.push(object);
    if (items.length === limit) break;
  }
  return items;
}

function metaOf(
  scope: Scope,
  last: CachedObject | undefined,
  more: boolean,
  remaining: number | undefined,
  revision: number,
): ListMeta {
  const resourceVersion = String(revision);
  if (!more || !last) return { resourceVersion };
  const token = encodeContinue(`${last.key}\0`, rangePrefix(scope), revision);
  return { resourceVersion, continue: token, ...(remaining === undefined ? {} : { remainingItemCount: remaining }) };
}

/** What the store says of a revision, in the API's words. */
function historyError(error: unknown, scope: Scope, plan: Plan): unknown {
  if (error instanceof UnreadableValueError) return unreadableItem(error);
  if (error instanceof FutureRevisionError) return resourceVersionTooLarge(plan.revision ?? 0, error.currentRevision);
  if (!(error instanceof CompactedError)) return error;
  if (plan.from === undefined) return resourceExpired('The resourceVersion for the provided list is too old.');
  return resourceExpired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
      'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
      'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
      'deleted between the time the first chunk was returned and now may show up in the list.',
    { continue: encodeContinue(plan.from, rangePrefix(scope), -1) },
  );
}
