/** The handler behind the filters: from a request to the endpoint that serves it. */
import type { AdmissionChain } from '../admission/chain.ts';
import type { Authorize } from '../authz/attributes.ts';
import type { Handler } from '../chain.ts';
import type { RequestContext } from '../context.ts';
import { attributesOf, checkAllowed } from '../filters/authorization.ts';
import { headerOf, type PathHandler, pageNotFound } from '../http/answer.ts';
import { MEDIA_TYPES, type Negotiated, negotiate, notAcceptable } from '../http/negotiate.ts';
import type { Resources } from '../resources.ts';
import { type Route, resourceNotFound, route } from '../router.ts';
import { createObject } from './create.ts';
import { deleteCollection, deleteOne } from './delete.ts';
import { getObject } from './get.ts';
import { lensOf } from './lens.ts';
import { listObjects } from './list.ts';
import { listOptions } from './options.ts';
import { patchObject } from './patch.ts';
import type { Scope } from './scope.ts';
import { commonHeaders } from './send.ts';
import { subresourceHandler } from './subresources.ts';
import { updateObject } from './update.ts';
import { createVirtual, type VirtualKinds, virtualKindOf } from './virtual.ts';
import { type WatchLimits, watchObjects } from './watch.ts';

export interface EndpointOptions {
  readonly resources: Resources;
  readonly admission: AdmissionChain;
  readonly authorize: Authorize;
  readonly watchLimits: WatchLimits;
  /** Kinds that are answered without being stored. */
  readonly virtualKinds: VirtualKinds;
  /** Whether any version of the group is served. */
  readonly hasGroup: (group: string) => boolean;
  /** Discovery, health, OpenAPI, metrics…: asked in order. */
  readonly paths: readonly PathHandler[];
}

export function endpoint(options: EndpointOptions): Handler {
  return async (ctx) => {
    if (await servePath(options.paths, ctx)) return;
    const { info } = ctx;
    if (!info.isResourceRequest || !options.hasGroup(info.apiGroup)) return serveNotFound(options, ctx);
    const found = route(ctx, (key) => options.resources.find(key));
    const scope = scopeOf(options, ctx, found);
    await dispatch(scope, found, options);
  };
}

function dispatch(scope: Scope, { verb, subresource }: Route, options: EndpointOptions): Promise<void> {
  if (verb === 'create') {
    const virtual = virtualKindOf(scope, options.virtualKinds);
    if (virtual) return createVirtual(scope, virtual);
  }
  if (subresource) {
    const special = subresourceHandler(scope, verb);
    if (special) return special;
  }
  switch (verb) {
    case 'get':
      return getObject(scope);
    case 'list':
      return listObjects(scope, listOptions(scope.ctx.info.query, false));
    case 'watch':
      return watchObjects(scope, listOptions(scope.ctx.info.query, true), options.watchLimits);
    case 'create':
      return createObject(scope);
    case 'update':
      return updateObject(scope);
    case 'patch':
      return patchObject(scope);
    case 'delete':
      return deleteOne(scope);
    case 'deletecollection':
      return deleteCollection(scope);
    case 'connect':
      throw resourceNotFound();
  }
}

function scopeOf(options: EndpointOptions, ctx: RequestContext, { served, subresource }: Route): Scope {
  return {
    ctx,
    served,
    subresource,
    lens: lensOf(served, subresource),
    store: options.resources.store(served.definition),
    admission: options.admission,
    output: outputOf(ctx),
    authorizeCreate: () => checkAllowed(options.authorize, { ...attributesOf(ctx), verb: 'create' }),
  };
}

/** @throws StatusError 406 */
function outputOf(ctx: RequestContext): Negotiated {
  const accept = headerOf(ctx.exchange.headers, 'accept');
  const output = negotiate(accept, { allowsConversion: (convert) => convert === undefined || isMetaForm(convert) });
  if (output) return output;
  throw notAcceptable(MEDIA_TYPES);
}

const META_KINDS = new Set(['Table', 'PartialObjectMetadata', 'PartialObjectMetadataList']);

function isMetaForm(convert: { group: string; version: string; kind: string }): boolean {
  return convert.group === 'meta.k8s.io' && ['v1', 'v1beta1'].includes(convert.version) && META_KINDS.has(convert.kind);
}

async function servePath(paths: readonly PathHandler[], ctx: RequestContext): Promise<boolean> {
  const request = {
    method: ctx.exchange.method,
    path: ctx.info.path,
    query: ctx.info.query,
    headers: ctx.exchange.headers,
    user: ctx.user,
  };
  for (const serve of paths) {
    const answer = await serve(request);
    if (!answer) continue;
    ctx.exchange.respond(answer.status, { ...commonHeaders(ctx), ...answer.headers }, answer.body);
    return true;
  }
  return false;
}

/** Below a group that is served a path that leads nowhere is a Status, elsewhere Go's plain text. */
function serveNotFound(options: EndpointOptions, ctx: RequestContext): void {
  const [, root, group = ''] = ctx.info.path.split('/');
  const known = root === 'api' || (root === 'apis' && group !== '' && options.hasGroup(group));
  if (known || root === 'version') throw resourceNotFound();
  const { status, headers, body } = pageNotFound();
  ctx.exchange.respond(status, { ...commonHeaders(ctx), ...headers }, body);
}
