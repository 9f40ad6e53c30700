/** A request for what another server serves, passed on to it (kube-aggregator/pkg/apiserver/handler_proxy.go). */
import type http from 'node:http';
import { StatusError } from '@keelson/api/errors';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { type Backend, targetOf } from '../connect/backend.ts';
import { type Forwarding, forward } from '../connect/forward.ts';
import { forwardUpgrade } from '../connect/upgrade.ts';
import type { RequestContext } from '../context.ts';
import { commonHeaders } from '../handlers/send.ts';
import { textAnswer } from '../http/answer.ts';
import type { Logger } from '../logger.ts';
import { isAvailable } from './apiservice.ts';
import { identityHeaders, type Remote, UnusableBundle } from './remote.ts';

/** Discovery has to be quick: every client waits for that of all groups. */
const DISCOVERY_TIMEOUT_MS = 5000;
const UNAVAILABLE = 'service unavailable';

export interface ProxyDeps {
  readonly remote: Pick<Remote, 'backend'>;
  readonly forwarding: Forwarding;
  /** `--aggregator-reject-forwarding-redirect` */
  readonly rejectsRedirects: boolean;
  readonly logger: Logger;
}

/** Ends with the answer. What goes wrong before there is one is told in plain text, as by any proxy. */
export async function proxy(ctx: RequestContext, service: APIService, deps: ProxyDeps): Promise<void> {
  if (!isAvailable(service)) return refuse(ctx, 503, UNAVAILABLE);
  const backend = await locate(ctx, service, deps);
  if (!backend) return;
  // When a watch has begun there, nobody here would know.
  ctx.onInitialized?.();
  try {
    const headers = headersFor(ctx, backend);
    if (ctx.exchange.upgrade) await forwardUpgrade(ctx, backend, deps.forwarding, headers);
    else
      await forward(ctx, backend, deps.forwarding, {
        headers,
        rejectsRedirects: deps.rejectsRedirects,
        ...(isDiscovery(ctx) ? { timeoutMs: DISCOVERY_TIMEOUT_MS } : {}),
      });
  } catch (error) {
    if (!(error instanceof StatusError) || ctx.exchange.headersSent) throw error;
    refuse(ctx, 503, error.message);
  }
}

async function locate(ctx: RequestContext, service: APIService, deps: ProxyDeps): Promise<Backend | undefined> {
  try {
    return await deps.remote.backend(service, ctx.info.path);
  } catch (error) {
    if (error instanceof UnusableBundle) refuse(ctx, 500, error.message);
    else {
      deps.logger.error({ apiService: service.metadata.name, error: String(error) }, 'an APIService leads nowhere');
      refuse(ctx, 503, UNAVAILABLE);
    }
    return undefined;
  }
}

function headersFor(ctx: RequestContext, backend: Backend): http.OutgoingHttpHeaders {
  const target = targetOf(backend);
  return {
    host: target,
    'x-forwarded-host': target,
    'x-forwarded-proto': backend.scheme,
    'audit-id': ctx.auditId,
    ...identityHeaders(ctx.user),
  };
}

/** `/apis/GROUP/VERSION` itself. */
function isDiscovery({ info }: RequestContext): boolean {
  return !info.isResourceRequest && info.path.replace(/^\/+|\/+$/g, '').split('/').length === 3;
}

function refuse(ctx: RequestContext, code: number, text: string): void {
  const { status, headers, body } = textAnswer(code, `${text}\n`);
  ctx.exchange.respond(status, { ...commonHeaders(ctx), ...headers }, body);
}
