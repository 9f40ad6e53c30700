/** Acting as somebody else, for those who may (apiserver/pkg/endpoints/filters/impersonation). */
import { HeaderValues } from '../authn/headers.ts';
import { type Impersonation, wantedUser } from '../authn/impersonation/index.ts';
import type { Filter } from '../chain.ts';
import { attributesOf } from './authorization.ts';

export function impersonation(impersonation: Impersonation): Filter {
  return async (ctx, next) => {
    const wanted = wantedUser(new HeaderValues(ctx.exchange.rawHeaders));
    if (wanted) {
      const { user, constraint } = await impersonation.impersonate(wanted, attributesOf(ctx));
      ctx.impersonator = ctx.user;
      ctx.user = user;
      ctx.impersonationConstraint = constraint;
    }
    await next();
  };
}
