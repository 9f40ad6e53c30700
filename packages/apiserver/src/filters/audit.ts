/** Records what is asked and what became of it, as the policy says (apiserver/pkg/endpoints/filters/audit.go). */
import { internalError, type Status, StatusError } from '@keelson/api/errors';
import { ended } from '@keelson/component/promises';
import { AuditRecord } from '../audit/event.ts';
import type { AuditMetrics } from '../audit/metrics.ts';
import type { AuditDecision, Stage } from '../audit/policy.ts';
import type { AuditSink } from '../audit/sink.ts';
import type { Attributes } from '../authz/attributes.ts';
import type { Filter } from '../chain.ts';
import type { RequestContext } from '../context.ts';
import { attributesOf } from './authorization.ts';
import { isLongRunning } from './longrunning.ts';

export interface AuditOptions {
  readonly evaluate: (attributes: Attributes) => AuditDecision;
  readonly sink: AuditSink;
  readonly metrics: AuditMetrics;
  readonly now: () => Date;
}

const EARLY: ReadonlySet<number> = new Set([400, 401]);

/** Stands behind authentication and before impersonation. */
export function audit(options: AuditOptions): Filter {
  return async (ctx, next) => {
    const record = recordOf(ctx, options);
    if (record === undefined) return next();
    ctx.audit = record;
    const emit = emitter(record, options);
    await emit('RequestReceived').catch(() => {
      options.metrics.rejected();
      throw internalError('failed to store audit event');
    });
    // The sink tells of what it loses; it is too late to refuse the request.
    const emitted = (stage: Stage) => ended(emit(stage));
    let [started, completed]: (Promise<void> | undefined)[] = [];
    const isLong = isLongRunning(ctx);
    if (isLong) {
      ctx.exchange.onAnswer = (status) => {
        record.responseCode(status);
        started ??= emitted('ResponseStarted');
      };
    } else if (options.sink.blocks) {
      ctx.beforeAnswered = (status) => {
        record.responseCode(status);
        completed ??= emitted('ResponseComplete');
        return completed;
      };
    }
    try {
      await next();
      if (ctx.exchange.status === 0) record.responseCode(200, 'Connection closed early');
      else record.responseCode(ctx.exchange.status);
    } catch (error) {
      record.responseStatus(statusOf(error));
      throw error;
    } finally {
      if (isLong) started ??= emitted('ResponseStarted');
      await started;
      await (completed ?? emitted('ResponseComplete'));
    }
  };
}

/** Records a request that was refused before its sender was known; it stands around authentication. */
export function auditEarlyRefusals(options: AuditOptions): Filter {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      if (ctx.user.name === '' && error instanceof StatusError && EARLY.has(error.code)) {
        const record = recordOf(ctx, options);
        record?.responseStatus(error.toStatus());
        if (record) await ended(emitter(record, options)('ResponseStarted'));
      }
      throw error;
    }
  };
}

function recordOf(ctx: RequestContext, { evaluate, metrics }: AuditOptions): AuditRecord | undefined {
  const decision = evaluate(attributesOf(ctx));
  metrics.level(decision.level);
  return decision.level === 'None' ? undefined : new AuditRecord(ctx, decision);
}

function emitter(record: AuditRecord, { sink, metrics, now }: AuditOptions): (stage: Stage) => Promise<void> {
  return async (stage) => {
    if (record.decision.omitStages.has(stage)) return;
    metrics.event();
    await sink.process(record.at(stage, now()));
  };
}

function statusOf(error: unknown): Status {
  const known = error instanceof StatusError ? error : internalError((error as Error).message);
  return known.toStatus();
}
