/** Sends everybody away who comes before the server was ready once (`--send-retry-after-while-not-ready-once`). */
import type { Filter } from '../chain.ts';
import { addWarning } from '../context.ts';
import { commonHeaders } from '../handlers/send.ts';
import { textAnswer } from '../http/answer.ts';
import { isAboutHealth } from './exempt.ts';

const SELF = 'system:apiserver';

/** After authentication: what the server asks of itself is served. */
export function notReady(hasBeenReady: () => boolean): Filter {
  return async (ctx, next) => {
    if (hasBeenReady()) return next();
    if (ctx.user.name === SELF || isAboutHealth(ctx)) {
      addWarning(ctx, 'The apiserver was still initializing, while this request was being served');
      return next();
    }
    const message = "The apiserver hasn't been fully initialized yet, please try again later.\n";
    const { status, headers, body } = textAnswer(503, message);
    ctx.exchange.respond(status, { ...commonHeaders(ctx), ...headers, 'retry-after': 5 }, body);
  };
}
