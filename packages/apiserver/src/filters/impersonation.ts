/** Acting as somebody else, for those who may (apiserver/pkg/endpoints/filters/impersonation). */
import { StatusError } from '@keelson/api/errors';
import { HeaderValues } from '../authn/headers.ts';
import { type Impersonated, type Impersonation, wantedUser } from '../authn/impersonation/index.ts';
import { Denied } from '../authz/attributes.ts';
import type { Filter } from '../chain.ts';
import type { RequestContext } from '../context.ts';
import { attributesOf } from './authorization.ts';

export function impersonation(impersonation: Impersonation): Filter {
  return async (ctx, next) => {
    const becomes = await impersonated(impersonation, ctx);
    if (becomes) {
      ctx.impersonator = ctx.user;
      ctx.user = becomes.user;
      ctx.impersonationConstraint = becomes.constraint;
    }
    await next();
  };
}

/** @throws Denied for headers that make no sense, too */
async function impersonated(impersonation: Impersonation, ctx: RequestContext): Promise<Impersonated | undefined> {
  try {
    const wanted = wantedUser(new HeaderValues(ctx.exchange.rawHeaders));
    return wanted && (await impersonation.impersonate(wanted, attributesOf(ctx)));
  } catch (error) {
    throw error instanceof StatusError ? Denied.as(error) : error;
  }
}
