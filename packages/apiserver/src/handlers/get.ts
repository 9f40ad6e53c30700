import { notFound } from '@keelson/api/errors';
import { keyOf } from '../registry/resource.ts';
import { auditAnswer } from './audit.ts';
import { refuseExport } from './options.ts';
import { representationFor } from './representations.ts';
import { parseResourceVersion, resourceVersionTooLarge } from './revisions.ts';
import type { Scope } from './scope.ts';
import { sendWhole } from './send.ts';

/** GET of one object. @throws StatusError 404; 500 for a resourceVersion that is none; 504 for one in the future */
export async function getObject(scope: Scope): Promise<void> {
  const { ctx, store, served } = scope;
  const { namespace, name, query } = ctx.info;
  refuseExport(query);
  const wanted = query.get('resourceVersion') ?? '';
  const revision = parseResourceVersion(wanted);
  if (wanted === '0') await store.cacher.ready();
  else {
    const current = await store.cacher.fresh();
    if (revision > current) throw resourceVersionTooLarge(revision, current);
  }
  const found = store.cacher.get(keyOf(served.definition, namespace, name));
  if (!found) throw notFound(served.definition, name);
  auditAnswer(scope, (json) => json.cached(found));
  const representation = representationFor(scope, 'object');
  await sendWhole(ctx, 200, { 'content-type': representation.contentType }, representation.cached(found));
}
