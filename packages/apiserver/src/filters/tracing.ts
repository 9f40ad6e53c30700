/** What a request sets going is traced (apiserver/pkg/endpoints/filters/traces.go). */
import type { Filter } from '../chain.ts';
import type { RequestInfo } from '../requestinfo.ts';
import type { Tracing } from '../tracing/index.ts';

/** Whose clients say whether and as what they are traced. */
const TRUSTED = ['system:masters', 'system:monitoring'];

export function tracing(tracer: Tracing): Filter {
  return (ctx, next) => {
    const isTrusted = ctx.user.groups.some((group) => TRUSTED.includes(group));
    return tracer.request(nameOf(ctx.exchange.method, ctx.info), ctx, isTrusted, next);
  };
}

/** The method and the path, without what is one's own of it. */
export function nameOf(method: string, info: RequestInfo): string {
  if (!info.isResourceRequest) return method;
  const parts = [
    info.apiPrefix,
    info.apiGroup,
    info.apiVersion,
    ...(info.namespace ? ['namespaces', '{:namespace}'] : []),
    info.resource,
    info.name && '{:name}',
    info.subresource,
  ];
  return `${method} ${parts.map((part) => (part ? `/${part}` : '')).join('')}`;
}
