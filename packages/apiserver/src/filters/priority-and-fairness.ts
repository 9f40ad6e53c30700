/**
 * Requests wait for their turn when there are too many, each flow in queues of its own
 * (apiserver/pkg/server/filters/priority-and-fairness.go); docs/fairness.md draws the way of one. Long-running requests
 * are not held, and a watch only until it has begun.
 */
import type { Filter, Next } from '../chain.ts';
import type { RequestContext } from '../context.ts';
import type { FlowController } from '../flowcontrol/controller.ts';
import type { FlowClass } from '../flowcontrol/flowclass.ts';
import type { FlowMetrics } from '../flowcontrol/metrics.ts';
import type { FlowRequest } from '../flowcontrol/request.ts';
import type { WatchTracker } from '../flowcontrol/watches.ts';
import type { WorkEstimator } from '../flowcontrol/work.ts';
import { groupOf, type Running, refuse } from './inflight.ts';
import { isLongRunning } from './longrunning.ts';

const MAX_WAIT_MS = 60_000;

export interface PriorityAndFairnessOptions {
  readonly controller: FlowController;
  readonly estimator: WorkEstimator;
  readonly watches: WatchTracker;
  readonly metrics: FlowMetrics;
  /** Of a request as a whole. A quarter of it may be spent waiting. 0: no bound. */
  readonly requestTimeoutSeconds: number;
  /** Counted up and down, for metrics. */
  readonly running: Running;
  /** Is told of each request that is answered with 429. */
  readonly onDropped: (ctx: RequestContext) => void;
  readonly now: () => Date;
}

export function priorityAndFairness(options: PriorityAndFairnessOptions): Filter {
  const { controller, estimator, metrics, watches, onDropped } = options;
  const limitMs = options.requestTimeoutSeconds > 0 ? options.requestTimeoutSeconds * 250 : MAX_WAIT_MS;
  const waitMs = Math.min(limitMs, MAX_WAIT_MS);

  return async (ctx, next) => {
    const isWatch = ctx.info.verb === 'watch';
    if (!isWatch && isLongRunning(ctx)) return next();
    const flowClass = controller.classify(ctx.user, ctx.info);
    ctx.flowHeaders = flowClass.headers;
    const work = estimator.estimate(ctx.info, flowClass.level.maxSeats);
    const request = controller.request(flowClass, ctx, work);
    metrics.arrived(flowClass, request.seats);
    let outcome = controller.start(flowClass, request);
    if (outcome === 'waiting') {
      const left = waitMs - (options.now().getTime() - ctx.receivedAt.getTime());
      const waiting = controller.concurrency.waiting[groupOf(ctx)];
      waiting.add(1, controller.now());
      outcome = await controller.turn(flowClass, request, left, (gone) => ctx.exchange.onClose(gone));
      waiting.add(-1, controller.now());
    }
    if (outcome !== 'executing') {
      metrics.waited(flowClass, controller.now() - request.arrivedAt, false);
      onDropped(ctx);
      refuse(ctx, flowClass.level.dropped.retryAfter);
      return;
    }
    metrics.waited(flowClass, request.startedAt - request.arrivedAt, true);
    await (isWatch ? watch(ctx, next, flowClass, request) : run(ctx, next, flowClass, request));
  };

  function begin(group: keyof Running, { startedAt }: FlowRequest): void {
    options.running[group]++;
    controller.concurrency.executing[group].add(1, startedAt);
  }

  function end(group: keyof Running, flowClass: FlowClass, request: FlowRequest, isWatch: boolean): void {
    options.running[group]--;
    const ms = controller.finish(flowClass, request);
    controller.concurrency.executing[group].add(-1, request.startedAt + ms);
    metrics.executed(flowClass, ms, isWatch);
  }

  async function run(ctx: RequestContext, next: Next, flowClass: FlowClass, request: FlowRequest): Promise<void> {
    const group = groupOf(ctx);
    begin(group, request);
    try {
      await next();
    } finally {
      end(group, flowClass, request, false);
    }
  }

  async function watch(ctx: RequestContext, next: Next, flowClass: FlowClass, request: FlowRequest): Promise<void> {
    let isBeginning = true;
    begin('reads', request);
    ctx.onInitialized = () => {
      if (!isBeginning) return;
      isBeginning = false;
      end('reads', flowClass, request, true);
    };
    const forget = watches.register(ctx.info);
    try {
      await next();
    } finally {
      ctx.onInitialized();
      forget();
    }
  }
}
