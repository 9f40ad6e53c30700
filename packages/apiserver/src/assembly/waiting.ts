/** How many requests are worked on at once, and which of the others wait: by priority and fairness, or by a bound alone. */
import type { Filter } from '../chain.ts';
import type { ServerConfig } from '../config.ts';
import type { RequestContext } from '../context.ts';
import { inflight, type Running } from '../filters/inflight.ts';
import { type FlowControl, flowControl } from '../flowcontrol/index.ts';
import type { HealthChecks } from '../health/checks.ts';
import { headerOf } from '../http/answer.ts';
import { dryRunOf, labelsOfPath, labelsOfResource, type RequestLabels } from '../metrics/labels.ts';
import type { Foundation } from './foundation.ts';
import type { Registry } from './registry.ts';

export interface Waiting {
  readonly filter: Filter;
  /** Undefined where it is switched off. */
  readonly flow: FlowControl | undefined;
  /** As many as are worked on now. */
  readonly running: Readonly<Running>;
}

export function waitingOf(
  config: ServerConfig,
  { metrics, environment }: Foundation,
  { resources, client }: Pick<Registry, 'resources' | 'client'>,
  health: HealthChecks,
): Waiting {
  const { maxRequestsInflight: reads, maxMutatingRequestsInflight: writes, requestTimeoutSeconds } = config;
  const running = { reads: 0, writes: 0 };
  const onDropped = (ctx: RequestContext) => metrics.requests.dropped(...labelsOf(ctx));
  if (config.priorityAndFairness === false) {
    return { filter: inflight({ reads, writes }, running, onDropped), flow: undefined, running };
  }
  const { now, random, logger } = environment;
  const flow = flowControl({
    resources,
    client,
    metrics,
    health,
    running,
    onDropped,
    now,
    random,
    logger,
    serverSeats: reads + writes,
    requestTimeoutSeconds,
  });
  return { filter: flow.filter, flow, running };
}

/** By what a request is counted that does not get to its handler. */
function labelsOf({ info, exchange }: RequestContext): [RequestLabels, dryRun: string] {
  const { method, headers } = exchange;
  const labels = info.isResourceRequest
    ? labelsOfResource(info, method, headerOf(headers, 'content-type'))
    : labelsOfPath(info.path, method);
  return [labels, dryRunOf(info.query)];
}
