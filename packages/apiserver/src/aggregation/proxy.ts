/** A request for what another server serves, passed on to it (kube-aggregator/pkg/apiserver/handler_proxy.go). */

import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { trimmed } from '@keelson/api/trim';
import type { Logger } from '@keelson/component/logs/logger';
import type { Backend } from '../connect/backend.ts';
import type { Forwarding } from '../connect/forward.ts';
import { passOn, refuseInText } from '../connect/front-proxy.ts';
import type { RequestContext } from '../context.ts';
import { isAvailable } from './apiservice.ts';
import { type Remote, UnusableBundle } from './remote.ts';

/** Discovery has to be quick: every client waits for that of all groups. */
const DISCOVERY_TIMEOUT_MS = 5000;
const UNAVAILABLE = 'service unavailable';

export interface ProxyDeps {
  readonly remote: Pick<Remote, 'backend'>;
  readonly forwarding: Forwarding;
  /** `--aggregator-reject-forwarding-redirect` */
  readonly rejectsRedirects: boolean;
  /** Whether servers learn the UIDs of users (gate `RemoteRequestHeaderUID`). */
  readonly tellsUids: boolean;
  readonly logger: Logger;
}

/** Ends with the answer. What goes wrong before there is one is told in plain text. */
export async function proxy(ctx: RequestContext, service: APIService, deps: ProxyDeps): Promise<void> {
  if (!isAvailable(service)) return refuseInText(ctx, 503, UNAVAILABLE);
  const backend = await locate(ctx, service, deps);
  if (!backend) return;
  await passOn(ctx, backend, deps.forwarding, {
    rejectsRedirects: deps.rejectsRedirects,
    ...(deps.tellsUids ? {} : { user: { ...ctx.user, uid: '' } }),
    ...(isDiscovery(ctx) ? { timeoutMs: DISCOVERY_TIMEOUT_MS } : {}),
  });
}

async function locate(ctx: RequestContext, service: APIService, deps: ProxyDeps): Promise<Backend | undefined> {
  try {
    return await deps.remote.backend(service, ctx.info.path);
  } catch (error) {
    if (error instanceof UnusableBundle) refuseInText(ctx, 500, error.message);
    else {
      deps.logger.error({ apiService: service.metadata.name, error: String(error) }, 'an APIService leads nowhere');
      refuseInText(ctx, 503, UNAVAILABLE);
    }
    return undefined;
  }
}

/** `/apis/GROUP/VERSION` itself. */
function isDiscovery({ info }: RequestContext): boolean {
  return !info.isResourceRequest && trimmed(info.path, (character) => character === '/').split('/').length === 3;
}
