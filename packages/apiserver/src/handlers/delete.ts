/** DELETE of one object and of a collection (apiserver/pkg/endpoints/handlers/delete.go). */
import { StatusError } from '@keelson/api/errors';
import type { KubeObject } from '@keelson/api/object';
import { addWarning } from '../context.ts';
import { deleteObject as deleteFromRegistry, validateDeleteOptions } from '../registry/delete.ts';
import { Pace } from '../registry/pace.ts';
import type { DeleteOptions } from '../registry/strategy.ts';
import { mutate, validate } from './admit.ts';
import { auditList } from './audit.ts';
import { inputMediaType, readBody } from './body.ts';
import { decodeDeleteOptions } from './decode.ts';
import { pageOf } from './list.ts';
import { deleteOptionsOfQuery, listOptions } from './options.ts';
import { representationFor } from './representations.ts';
import { sendObject } from './respond.ts';
import { type Scope, writeRequest } from './scope.ts';
import { selectionOf } from './selection.ts';
import { sendChunks } from './send.ts';

/** Deletions share a flush of the store. */
const WORKERS = 16;

/** DELETE of one object: 202 where it stays until what it owns has gone. @throws StatusError 404, 409 for preconditions */
export async function deleteOne(scope: Scope): Promise<void> {
  const { ctx, store } = scope;
  const options = await readOptions(scope);
  const { name } = ctx.info;
  const dryRun = (options.dryRun?.length ?? 0) > 0;
  const request = writeRequest(scope, dryRun);
  scope.served.definition.registration.strategy.validateDelete?.(request.ctx, name);
  const outcome = await deleteFromRegistry(store, {
    ...request,
    name,
    options,
    admit: (object, finalOptions) => admitDelete(scope, name, object, finalOptions),
  });
  const accepted = !outcome.deleted && options.orphanDependents === false;
  await sendObject(scope, accepted ? 202 : 200, outcome.body);
}

/**
 * What cannot be deleted ends it; one after the other where there are preconditions, which hold for one object at most. Upstream
 * reads a collection page by page, so that a revision that is asked for is exactly that (registry/store.go, DeleteCollection).
 * @param workers how many are deleted at a time
 */
export async function deleteCollection(scope: Scope, workers = WORKERS): Promise<void> {
  const { ctx, store } = scope;
  const listing = listOptions(scope);
  // What is wrong with the selectors is told of before the body is looked at.
  selectionOf(scope, listing);
  const options = await readOptions(scope);
  const dryRun = (options.dryRun?.length ?? 0) > 0;
  const isExact = listing.resourceVersionMatch === '' && !['', '0'].includes(listing.resourceVersion);
  const page = await pageOf(scope, isExact ? { ...listing, resourceVersionMatch: 'Exact' } : listing);
  const queue = [...page.items];
  const pace = new Pace();
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item; item = queue.shift()) {
      const { name, namespace } = item;
      const request = writeRequest(scope, dryRun);
      await deleteFromRegistry(store, {
        ...request,
        ctx: { ...request.ctx, namespace },
        name,
        options: { ...options },
        admit: (object) => admitDelete(scope, '', object, options),
      }).catch((error: unknown) => {
        if (error instanceof StatusError && error.code === 404) return;
        queue.length = 0;
        throw error;
      });
      await pace.after(item.bytes.length);
    }
  };
  await Promise.all(Array.from({ length: options.preconditions ? 1 : workers }, worker));
  const representation = representationFor(scope, 'list');
  const estimate = page.items.reduce((sum, item) => sum + item.bytes.length, 0);
  auditList(scope, page.items, page.meta, estimate);
  await sendChunks(
    ctx,
    200,
    { 'content-type': representation.contentType },
    { write: (out) => representation.list(page.items, page.meta, out), estimate },
  );
}

/** @param name in the path; empty for each object of a collection */
async function admitDelete(scope: Scope, name: string, object: KubeObject, options: DeleteOptions): Promise<void> {
  const dryRun = (options.dryRun?.length ?? 0) > 0;
  const subject = { operation: 'DELETE' as const, name, oldObject: object, dryRun, deleteOptions: options };
  await mutate(scope, subject);
  await validate(scope, subject);
}

/** From the body, or from the query where there is none. @throws StatusError 400, 415, 422 */
async function readOptions(scope: Scope): Promise<DeleteOptions> {
  const { ctx } = scope;
  const body = await readBody(ctx.exchange);
  const options =
    body.length > 0 ? decodeDeleteOptions(body, inputMediaType(ctx.exchange)) : deleteOptionsOfQuery(ctx.info.query);
  if (body.length > 0)
    ctx.audit?.requestOptions({ kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/__internal', ...options });
  validateDeleteOptions(options);
  const { strategy } = scope.served.definition.registration;
  for (const text of strategy.warningsOnDelete?.(options) ?? []) addWarning(ctx, text);
  return options;
}
