/**
 * From a request to the handler of a resource's endpoint, or to the router's own answers (405, 406, 415, 404), which
 * come before anything else that could be wrong with the request.
 */
import { badRequest, StatusError } from '@keelson/api/errors';
import type { RequestContext } from './context.ts';
import { headerOf } from './http/answer.ts';
import { bareType, unknownFormat } from './http/mediatype.ts';
import { checkRouteAccepts, MEDIA_TYPES } from './http/negotiate.ts';
import type { ServedResource, Subresource } from './registry/resource.ts';

export interface Route {
  readonly served: ServedResource;
  readonly subresource: Subresource | undefined;
  readonly verb: Verb;
}

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection' | 'connect';

const WATCHABLE_TYPES = [
  ...MEDIA_TYPES,
  'application/json;stream=watch',
  'application/vnd.kubernetes.protobuf;stream=watch',
];
export const PATCH_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

/** The answer to a path below a served group that leads nowhere. */
export function resourceNotFound(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function methodNotAllowed(): StatusError {
  return new StatusError(
    405,
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
    {},
  );
}

/**
 * @param find what is served as `group/version/resource`
 * @throws StatusError 404, 405, 406, 415
 */
export function route(ctx: RequestContext, find: (key: string) => ServedResource | undefined): Route {
  const { info, exchange } = ctx;
  // The path of former releases is still told apart for authorization, but leads nowhere.
  if (info.verb === 'proxy') throw resourceNotFound();
  const served = find(`${info.apiGroup}/${info.apiVersion}/${info.resource}`);
  if (!served) throw resourceNotFound();
  const subresource = info.subresource === '' ? undefined : served.subresources.get(info.subresource);
  if (info.subresource !== '' && (!subresource || info.legacyWatch)) throw resourceNotFound();
  if (info.parts.length > 3 && !allowsTail(subresource)) throw resourceNotFound();
  checkNamespaceInPath(ctx, served);

  const verb = verbOf(ctx, served, subresource);
  if (verb === undefined) throw methodNotAllowed();
  if (hasEmptyNamespace(ctx, served) && !WITHOUT_NAMESPACE.has(subresource ? '' : verb))
    throw badRequest('Namespace parameter required.');
  if (subresource && info.name === '') throw badRequest('name must be provided');
  if (verb === 'patch') checkPatchType(headerOf(exchange.headers, 'content-type'));
  if (verb !== 'connect') {
    const watchable = verb === 'list' || verb === 'watch';
    checkRouteAccepts(headerOf(exchange.headers, 'accept'), watchable ? WATCHABLE_TYPES : MEDIA_TYPES);
  }
  return { served, subresource, verb };
}

/** proxy takes the rest of the path. */
function allowsTail(subresource: Subresource | undefined): boolean {
  return subresource?.name === 'proxy';
}

/** Cluster-wide paths of namespaced resources take lists and watches alone; namespaced paths of others lead nowhere. */
function checkNamespaceInPath(ctx: RequestContext, served: ServedResource): void {
  const { info } = ctx;
  const { namespaced, resource } = served.definition;
  if (!namespaced && info.namespace !== '' && resource !== 'namespaces') throw resourceNotFound();
  if (!namespaced || info.namespace !== '' || hasEmptyNamespace(ctx, served)) return;
  const hasItem = info.parts.length > 1;
  if (hasItem || !served.verbs.has('list')) throw resourceNotFound();
  if (ctx.exchange.method !== 'GET') throw methodNotAllowed();
}

/** `/api/v1/namespaces//pods` is the path of a namespace that has no name. */
function hasEmptyNamespace({ info }: RequestContext, { definition }: ServedResource): boolean {
  return definition.namespaced && info.namespace === '' && info.path.includes('/namespaces//');
}

/** Lists are of all namespaces; what is created is found to lack one by validation. */
const WITHOUT_NAMESPACE: ReadonlySet<string> = new Set(['list', 'watch', 'create']);

function verbOf(ctx: RequestContext, served: ServedResource, subresource: Subresource | undefined): Verb | undefined {
  const { method } = ctx.exchange;
  const { info } = ctx;
  const { verbs } = subresource ?? served;
  if (subresource && isConnect(subresource)) {
    return CONNECT_METHODS[subresource.name]!.includes(method) ? 'connect' : undefined;
  }
  const isItem = info.parts.length > 1;
  if (isItem && !subresource && !ITEM_VERBS.some((v) => verbs.has(v))) throw resourceNotFound();
  const allowed = (verb: Verb): Verb | undefined => (verbs.has(verb) ? verb : undefined);
  if (info.legacyWatch) return method === 'GET' && verbs.has('watch') ? 'watch' : undefined;
  switch (method) {
    case 'GET':
      if (isItem) return allowed('get');
      return (info.verb === 'watch' ? allowed('watch') : undefined) ?? allowed('list');
    case 'POST':
      return isItem === (subresource !== undefined) ? allowed('create') : undefined;
    case 'PUT':
      return isItem ? allowed('update') : undefined;
    case 'PATCH':
      return isItem ? allowed('patch') : undefined;
    case 'DELETE':
      return allowed(isItem ? 'delete' : 'deletecollection');
    default:
      return undefined;
  }
}

const ITEM_VERBS: readonly Verb[] = ['get', 'update', 'patch', 'delete'];
/** GET, too, where a websocket may be wanted. */
const STREAM_METHODS = ['GET', 'POST'];
const CONNECT_METHODS: Readonly<Record<string, readonly string[]>> = {
  exec: STREAM_METHODS,
  attach: STREAM_METHODS,
  portforward: STREAM_METHODS,
  proxy: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'],
  log: ['GET'],
};

function isConnect(subresource: Subresource): boolean {
  return Object.hasOwn(CONNECT_METHODS, subresource.name);
}

function checkPatchType(contentType: string): void {
  if (PATCH_TYPES.includes(bareType(contentType))) return;
  // One of a list opens the way, at the end of which there is one type to be.
  if (contentType.split(',').some((each) => PATCH_TYPES.includes(bareType(each)))) throw unknownFormat(PATCH_TYPES);
  throw new StatusError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
}
