/** What a handler of a resource's endpoint works with. */
import { apiVersionOf } from '@keelson/api/object';
import type { AdmissionChain } from '../admission/chain.ts';
import { addWarning, type RequestContext } from '../context.ts';
import { attributesOf } from '../filters/authorization.ts';
import type { IsEnabled } from '../gates.ts';
import type { Negotiated } from '../http/negotiate.ts';
import type { ServerMetrics } from '../metrics/server-metrics.ts';
import type { ServedResource, Subresource } from '../registry/resource.ts';
import type { ResourceStore, UpdateRequest, WriteRequest } from '../registry/store.ts';
import type { Lens } from './lens.ts';

export interface Scope {
  readonly ctx: RequestContext;
  readonly isEnabled: IsEnabled;
  readonly served: ServedResource;
  readonly store: ResourceStore;
  readonly subresource: Subresource | undefined;
  readonly lens: Lens;
  readonly admission: AdmissionChain;
  readonly metrics: ServerMetrics;
  /** The form in which the client wants the answer. */
  readonly output: Negotiated;
  /** For writes that turn out to create: may this user do that, too? @throws StatusError 403 */
  readonly authorizeCreate: () => Promise<void>;
}

/** The subresource's part of the strategy, where it is a view of the object. */
export function viewOf(scope: Scope): Pick<UpdateRequest, 'view'> {
  const { subresource, served } = scope;
  if (!subresource) return {};
  const view = served.definition.registration.subresources?.[subresource.name]?.strategy;
  return view ? { view } : {};
}

/** `apps/v1` */
export function requestApiVersion(served: ServedResource): string {
  return apiVersionOf({ group: served.definition.group, version: served.version });
}

/** The request as the registry and the strategies see it. */
export function writeRequest(scope: Scope, dryRun: boolean): WriteRequest {
  const { ctx, served } = scope;
  return {
    ctx: {
      namespace: ctx.info.namespace,
      user: ctx.user,
      now: ctx.receivedAt,
      dryRun,
      requestVersion: served.version,
      asked: () => attributesOf(ctx),
    },
    warn: (text) => addWarning(ctx, text),
  };
}
