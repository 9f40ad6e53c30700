/** May he? Else 403 (apiserver/pkg/endpoints/filters/authorization.go). */

import { type Attributes, type Authorize, forbiddenError } from '../authz/attributes.ts';
import { selectorAttributes } from '../authz/selectors.ts';
import type { Filter } from '../chain.ts';
import type { RequestContext } from '../context.ts';

export function authorization(authorize: Authorize): Filter {
  return async (ctx, next) => {
    const attributes = attributesOf(ctx);
    await checkAllowed(authorize, attributes);
    await next();
  };
}

/** @throws StatusError 403 */
export async function checkAllowed(authorize: Authorize, attributes: Attributes): Promise<void> {
  const answer = authorize(attributes);
  const { decision, reason } = answer instanceof Promise ? await answer : answer;
  if (decision !== 'allow') throw forbiddenError(attributes, reason);
}

/** The request as authorizers see it. */
export function attributesOf(ctx: RequestContext): Attributes {
  const { info, user } = ctx;
  return {
    user,
    verb: info.verb,
    isResourceRequest: info.isResourceRequest,
    path: info.path,
    apiGroup: info.apiGroup,
    apiVersion: info.apiVersion,
    resource: info.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    ...selectorAttributes(info.fieldSelector, info.labelSelector),
  };
}
