/**
 * The way of every request, from the outside in. Each filter may answer, pass on, or throw; what it throws is encoded by
 * `errors`, the outermost but one. docs/request-path.md draws it.
 */
import type { RequestContext } from './context.ts';

export type Next = () => Promise<void>;
export type Filter = (ctx: RequestContext, next: Next) => Promise<void>;
export type Handler = (ctx: RequestContext) => Promise<void>;

/** Folds filters around a handler; the first filter is the outermost. */
export function compose(filters: readonly Filter[], handler: Handler): Handler {
  return filters.reduceRight<Handler>((inner, filter) => (ctx) => filter(ctx, () => inner(ctx)), handler);
}
