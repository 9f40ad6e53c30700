import { notFound } from '@keelson/api/errors';
import type { CachedObject } from '../registry/cached-objects.ts';
import { requestedKeyOf } from '../registry/resource.ts';
import { auditAnswer } from './audit.ts';
import { refuseExport } from './options.ts';
import { representationFor } from './representations.ts';
import { parseListResourceVersion, parseResourceVersion, resourceVersionTooLarge } from './revisions.ts';
import type { Scope } from './scope.ts';
import { sendWhole } from './send.ts';

/** GET of one object. @throws StatusError 404; 500 (400 of what is not cached) for a resourceVersion that is none; 504 for one in the future */
export async function getObject(scope: Scope): Promise<void> {
  const { ctx, served } = scope;
  const { name, query } = ctx.info;
  refuseExport(query);
  const found = await find(scope, query.get('resourceVersion') ?? '');
  if (!found) throw notFound(served.definition, name);
  auditAnswer(scope, (json) => json.cached(found));
  const representation = representationFor(scope, 'object', scope.lens.readForGet);
  await sendWhole(ctx, 200, { 'content-type': representation.contentType }, representation.cached(found));
}

async function find({ ctx, store, served }: Scope, wanted: string): Promise<CachedObject | undefined> {
  const { cacher, storage, isUncached } = store;
  const revision = isUncached ? parseListResourceVersion(wanted) : parseResourceVersion(wanted);
  let current: number | undefined;
  const found = await storage.find(requestedKeyOf(served.definition, ctx.info.namespace, ctx.info.name), async () => {
    if (wanted === '0') await cacher.ready();
    else current = await cacher.fresh();
  });
  if (current !== undefined && revision > current) throw resourceVersionTooLarge(revision, current, isUncached ? 0 : 1);
  return found;
}
