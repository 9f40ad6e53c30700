/** May he? Else 403 (apiserver/pkg/endpoints/filters/authorization.go). */

import { type Attributes, type Authorize, forbiddenError } from '../authz/attributes.ts';
import { selectorAttributes } from '../authz/selectors.ts';
import type { Filter } from '../chain.ts';
import type { RequestContext } from '../context.ts';

export function authorization(authorize: Authorize): Filter {
  return async (ctx, next) => {
    await checkAllowed(authorize, attributesOf(ctx), ctx.auditAnnotations);
    await next();
  };
}

/** Something kept the authorizers from deciding: the answer is plain text. */
export class Undecided extends Error {
  override readonly name = 'Undecided';
}

const DECISION = 'authorization.k8s.io/decision';
const REASON = 'authorization.k8s.io/reason';

/**
 * @param annotations of the audit event: what was decided, and why
 * @throws StatusError 403; Undecided
 */
export async function checkAllowed(
  authorize: Authorize,
  attributes: Attributes,
  annotations: Record<string, string>,
): Promise<void> {
  const answer = authorize(attributes);
  const { decision, reason, error } = answer instanceof Promise ? await answer : answer;
  const undecided = decision !== 'allow' && error;
  annotations[REASON] = undecided ? 'internal error' : reason;
  if (undecided) throw new Undecided(error.message, { cause: error });
  annotations[DECISION] = decision === 'allow' ? 'allow' : 'forbid';
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
