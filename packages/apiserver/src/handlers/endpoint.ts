/** The handler behind the filters: from a request to the endpoint that serves it. */
import { StatusError } from '@keelson/api/errors';
import type { AdmissionChain } from '../admission/chain.ts';
import type { Authorize } from '../authz/attributes.ts';
import type { Handler } from '../chain.ts';
import { type ConnectDeps, connect } from '../connect/index.ts';
import { addWarning, type RequestContext } from '../context.ts';
import { customRoute } from '../crd/route.ts';
import { inTimeToWrite } from '../deadline.ts';
import { attributesOf, checkAllowed } from '../filters/authorization.ts';
import type { IsEnabled } from '../gates.ts';
import { headerOf, type PathHandler, pageNotFound } from '../http/answer.ts';
import { MEDIA_TYPES, type Negotiated, negotiate, notAcceptable } from '../http/negotiate.ts';
import { dryRunOf, labelsOfPath, labelsOfResource } from '../metrics/labels.ts';
import type { Observation } from '../metrics/requests.ts';
import type { ServerMetrics } from '../metrics/server-metrics.ts';
import { removedRelease } from '../registry/deprecation.ts';
import type { Resources } from '../resources.ts';
import { type Route, resourceNotFound, route } from '../router.ts';
import { restrictionsFor } from '../table/form.ts';
import { readBody } from './body.ts';
import { type ComputedKinds, serveComputed } from './computed.ts';
import { createObject } from './create.ts';
import { deleteCollection, deleteOne } from './delete.ts';
import { getObject } from './get.ts';
import { lensOf } from './lens.ts';
import { listObjects } from './list.ts';
import { listOptions } from './options.ts';
import { patchObject } from './patch.ts';
import type { Scope } from './scope.ts';
import { sendAnswer } from './send.ts';
import { updateObject } from './update.ts';
import { createVirtual, type VirtualKinds, virtualKindOf } from './virtual.ts';
import { type WatchLimits, watchObjects } from './watch.ts';

export interface EndpointOptions {
  readonly resources: Resources;
  readonly isEnabled: IsEnabled;
  readonly admission: AdmissionChain;
  readonly authorize: Authorize;
  readonly watchLimits: WatchLimits;
  /** Kinds that are answered without being stored. */
  readonly virtualKinds: VirtualKinds;
  readonly connect: ConnectDeps;
  /** Kinds that are found out when somebody asks. */
  readonly computedKinds: ComputedKinds;
  /** Passes on what another server serves; undefined: this one does. */
  readonly passOn: (ctx: RequestContext) => Promise<void> | undefined;
  /** Whether this server serves any version of the group. */
  readonly hasGroup: (group: string) => boolean;
  /** Whether there is nothing in it but custom resources. */
  readonly isCustomGroup: (group: string) => boolean;
  /** How many objects of a collection are deleted at a time. */
  readonly deleteCollectionWorkers?: number | undefined;
  readonly metrics: ServerMetrics;
  /** Discovery, health, OpenAPI, metrics…: asked in order, for what is no resource. */
  readonly paths: readonly PathHandler[];
}

/** Of one object. */
const WRITES: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete']);

/** @returns what answers a request, or throws a StatusError: 404 and 405 for what nobody answers */
export function endpoint(options: EndpointOptions): Handler {
  const compresses = options.isEnabled('APIResponseCompression');
  return async (ctx) => {
    const { info } = ctx;
    if (!compresses) ctx.isPlain = true;
    const passedOn = options.passOn(ctx);
    if (passedOn) return passedOn;
    if (!info.isResourceRequest && (await servePath(options, ctx))) return;
    // Authorization trims slashes, and sees a group that has no name as the core's; nothing is served there.
    if (info.path.startsWith('//') || info.path.startsWith('/apis//')) return servePageNotFound(ctx);
    if (!info.isResourceRequest || !options.hasGroup(info.apiGroup)) return serveNotFound(options, ctx);
    const found = routeOf(options, ctx);
    if (!found) return servePageNotFound(ctx);
    const { method, headers } = ctx.exchange;
    const labels = labelsOfResource(info, method, headerOf(headers, 'content-type'));
    const { warning } = found.subresource ?? found.served;
    if (warning !== undefined)
      noteDeprecated(ctx, found, warning, (removed) => options.metrics.requests.deprecated(labels, removed));
    const observation = options.metrics.requests.start(labels, dryRunOf(info.query));
    const serve = async () => dispatch(ctx, found, options);
    await observed(ctx, observation, () => (WRITES.has(found.verb) ? inTimeToWrite(ctx, serve) : serve()));
  };
}

/** @returns undefined where the path leads nowhere, in words that are no Status. @throws StatusError */
function routeOf({ resources, isCustomGroup }: EndpointOptions, ctx: RequestContext): Route | undefined {
  const { apiGroup, apiVersion, resource } = ctx.info;
  if (!isCustomGroup(apiGroup)) return route(ctx, (key) => resources.find(key));
  const served = resources.find(`${apiGroup}/${apiVersion}/${resource}`);
  return served && customRoute(ctx, served);
}

/** The client, the audit log and the metrics are told that what is asked for is on its way out. */
function noteDeprecated(
  ctx: RequestContext,
  { served, subresource }: Route,
  warning: string,
  count: (removed: string) => void,
): void {
  addWarning(ctx, warning);
  const { group, kind } = served.definition;
  const { version } = served;
  const removed = removedRelease({ group, version, kind, ...subresource });
  count(removed);
  ctx.auditAnnotations['k8s.io/deprecated'] = 'true';
  if (removed !== '') ctx.auditAnnotations['k8s.io/removed-release'] = removed;
}

/** Counts the request with its outcome, be it an answer or an error that becomes one. */
async function observed<T>(ctx: RequestContext, observation: Observation, serve: () => Promise<T>): Promise<T> {
  let code: number | undefined;
  try {
    return await serve();
  } catch (error) {
    code = error instanceof StatusError ? error.code : 500;
    throw error;
  } finally {
    observation.end(code ?? ctx.exchange.status, ctx.exchange.bytesSent);
  }
}

function dispatch(ctx: RequestContext, found: Route, options: EndpointOptions): Promise<void> {
  const { verb } = found;
  if (verb === 'connect') return connect({ ctx, ...found, admission: options.admission }, options.connect);
  const virtual = verb === 'create' ? virtualKindOf(found, options.virtualKinds) : undefined;
  const scope = scopeOf(options, ctx, found, outputOf(ctx, found, virtual === undefined));
  if (virtual) return createVirtual(scope, virtual);
  const computed = serveComputed(scope, verb, options.computedKinds);
  if (computed) return computed;
  switch (verb) {
    case 'get':
      return getObject(scope);
    case 'list':
      return listObjects(scope, listOptions(scope));
    case 'watch':
      return watchObjects(scope, listOptions(scope), options.watchLimits);
    case 'create':
      return createObject(scope);
    case 'update':
      return updateObject(scope);
    case 'patch':
      return patchObject(scope);
    case 'delete':
      return deleteOne(scope);
    case 'deletecollection':
      return deleteCollection(scope, options.deleteCollectionWorkers);
  }
}

function scopeOf(
  options: EndpointOptions,
  ctx: RequestContext,
  { served, subresource }: Route,
  output: Negotiated,
): Scope {
  return {
    ctx,
    isEnabled: options.isEnabled,
    served,
    subresource,
    lens: lensOf(served, subresource),
    store: options.resources.store(served.definition),
    admission: options.admission,
    metrics: options.metrics,
    output,
    authorizeCreate: () => checkAllowed(options.authorize, { ...attributesOf(ctx), verb: 'create' }, {}),
  };
}

const WITHOUT_PROTOBUF = MEDIA_TYPES.filter((mediaType) => mediaType !== 'application/vnd.kubernetes.protobuf');

/** Of custom resources nothing but metadata can be had as protobuf. @throws StatusError 406 */
function outputOf(ctx: RequestContext, { served, subresource }: Route, isStored: boolean): Negotiated {
  const view = served.definition.registration.subresources?.[subresource?.name ?? ''];
  const mediaTypes = served.form.type ? MEDIA_TYPES : WITHOUT_PROTOBUF;
  const accept = headerOf(ctx.exchange.headers, 'accept');
  const output = negotiate(accept, restrictionsFor(mediaTypes, isStored && !view?.noTable));
  if (output) return output;
  throw notAcceptable(MEDIA_TYPES);
}

/** Paths that are counted, under the names that upstream has for them. */
const COUNTED_PATHS: ReadonlyMap<string, readonly [name: string, component: string]> = new Map([
  ['/api', ['api', 'apiserver']],
  ['/apis', ['apis', 'apiserver']],
  ['/healthz', ['/healthz', '']],
  ['/livez', ['/livez', '']],
  ['/readyz', ['/readyz', '']],
  ['/openapi/v3', ['openapi/v3', '']],
]);

async function servePath({ paths, metrics }: EndpointOptions, ctx: RequestContext): Promise<boolean> {
  const { method, headers } = ctx.exchange;
  const { path, query } = ctx.info;
  const counted = COUNTED_PATHS.get(path);
  if (!counted) return answer();
  const observation = metrics.requests.start(labelsOfPath(counted[0], method), dryRunOf(query), counted[1]);
  return observed(ctx, observation, answer);

  async function answer(): Promise<boolean> {
    const body = async () => (await readBody(ctx.exchange)).toString('utf8');
    const stream = { body, onGone: (callback: () => void) => ctx.exchange.onClose(callback) };
    for (const serve of paths) {
      const served = await serve({ method, path, query, headers, user: ctx.user }, stream);
      if (!served) continue;
      await sendAnswer(ctx, served);
      return true;
    }
    return false;
  }
}

/** Below a group that is served a path that leads nowhere is a Status, elsewhere Go's plain text. */
async function serveNotFound(options: EndpointOptions, ctx: RequestContext): Promise<void> {
  const [, root, group = ''] = ctx.info.path.split('/');
  const isKnown = options.hasGroup(group) && !options.isCustomGroup(group);
  const known = root === 'api' || (root === 'apis' && group !== '' && isKnown);
  if (known || root === 'version') throw resourceNotFound();
  await servePageNotFound(ctx);
}

function servePageNotFound(ctx: RequestContext): Promise<void> {
  return sendAnswer(ctx, pageNotFound());
}
