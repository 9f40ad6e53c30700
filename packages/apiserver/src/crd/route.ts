/** From a request to the endpoint of a custom resource (apiextensions-apiserver/pkg/apiserver/customresource_handler.go). */
import { badRequest, notFound, StatusError } from '@keelson/api/errors';
import { addWarning, type RequestContext } from '../context.ts';
import { headerOf } from '../http/answer.ts';
import { bareType, unknownFormat } from '../http/mediatype.ts';
import type { ServedResource } from '../registry/resource.ts';
import type { Route, Verb } from '../router.ts';

const VERBS: readonly Verb[] = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'];
/** What clients may do to all namespaces at once. */
const ACROSS_NAMESPACES = ['list', 'watch'];
const PATCH_TYPES = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml'];

/** Who asks for a deprecated version is told so, refused or not. @returns undefined where the path leads nowhere. @throws StatusError 400, 404, 405, 415 */
export function customRoute(ctx: RequestContext, served: ServedResource): Route | undefined {
  const { info } = ctx;
  const { namespaced, resource, group } = served.definition;
  if (!namespaced && info.namespace !== '') return undefined;
  if (namespaced && info.namespace === '' && !ACROSS_NAMESPACES.includes(info.verb)) return undefined;
  if (served.warning !== undefined) addWarning(ctx, served.warning);
  const subresource = info.subresource === '' ? undefined : served.subresources.get(info.subresource);
  if (info.subresource !== '' && !subresource) throw notFound({ group, resource }, info.name);
  const verb = VERBS.find((each) => each === info.verb);
  const allowed = subresource ? subresource.verbs : VERB_SET;
  if (!verb || !allowed.has(verb)) throw notSupported(served, info.verb);
  if (verb === 'patch') checkPatchType(ctx);
  if ((verb === 'update' || verb === 'patch') && info.name === '') throw badRequest('name must be provided');
  return { served, subresource, verb };
}

const VERB_SET: ReadonlySet<string> = new Set(VERBS);

function notSupported({ definition }: ServedResource, verb: string): StatusError {
  const { group, resource } = definition;
  const name = group === '' ? resource : `${resource}.${group}`;
  return new StatusError(
    405,
    'MethodNotAllowed',
    `${verb} is not supported on resources of kind ${JSON.stringify(name)}`,
    { group, kind: resource },
  );
}

/** Objects without a type cannot be merged strategically. */
function checkPatchType({ exchange }: RequestContext): void {
  if (PATCH_TYPES.includes(bareType(headerOf(exchange.headers, 'content-type')))) return;
  throw unknownFormat(PATCH_TYPES);
}
