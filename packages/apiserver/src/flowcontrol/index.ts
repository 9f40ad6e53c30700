/** Priority and fairness of one server: docs/fairness.md. */
import { type Clock, systemClock } from '@keelson/api/clock';
import type { Logger } from '@keelson/component/logs/logger';
import type { RegistryClient } from '../bootstrap/client.ts';
import type { Filter } from '../chain.ts';
import type { RequestContext } from '../context.ts';
import type { Running } from '../filters/inflight.ts';
import { priorityAndFairness } from '../filters/priority-and-fairness.ts';
import type { HealthChecks } from '../health/checks.ts';
import type { Answer, PathRequest } from '../http/answer.ts';
import type { ServerMetrics } from '../metrics/server-metrics.ts';
import type { RequestInfo } from '../requestinfo.ts';
import type { Resources } from '../resources.ts';
import { CONFIG_CONSUMER, ConfigConsumer } from './consumer.ts';
import { FlowController } from './controller.ts';
import { serveDump } from './dump.ts';
import { FlowMetrics } from './metrics.ts';
import { WatchTracker } from './watches.ts';
import { type Contents, WorkEstimator } from './work.ts';

export interface FlowControlOptions {
  readonly resources: Resources;
  readonly client: RegistryClient;
  readonly metrics: ServerMetrics;
  readonly health: HealthChecks;
  /** Requests that are served at once, the exempt apart. */
  readonly serverSeats: number;
  readonly requestTimeoutSeconds: number;
  readonly running: Running;
  readonly onDropped: (ctx: RequestContext) => void;
  readonly now: () => Date;
  readonly random: () => number;
  readonly logger: Logger;
}

export interface FlowControl {
  readonly filter: Filter;
  readonly serve: (request: PathRequest) => Answer | undefined;
  /** To be called once the bootstrapped configuration is stored. Resolves when it is in use. */
  start(): Promise<void>;
  /** To be called once the server is ready, which need not wait for them: from here on schemas' conditions are written. */
  keepConditions(): Promise<void>;
  stop(): void;
}

/** Milliseconds since the epoch with fractions, and never backwards. */
const preciseClock: Clock = { ...systemClock, now: () => performance.timeOrigin + performance.now() };

export function flowControl(options: FlowControlOptions): FlowControl {
  const { resources, client, health, random, logger } = options;
  const consumed = health.addBootHook('priority-and-fairness-config-consumer');
  const filtering = health.addBootHook('priority-and-fairness-filter');
  const controller = new FlowController({ clock: preciseClock, serverSeats: options.serverSeats, logger });
  const watches = new WatchTracker();
  const estimator = new WorkEstimator((info) => contentsOf(resources, info), watches);
  const metrics = new FlowMetrics(options.metrics.registry, controller);
  const consumer = new ConfigConsumer({
    controller,
    levels: resources.storeOf('flowcontrol.apiserver.k8s.io', 'prioritylevelconfigurations'),
    schemas: resources.storeOf('flowcontrol.apiserver.k8s.io', 'flowschemas'),
    applyStatus: (config) => client.managedBy(CONFIG_CONSUMER).apply(config, 'status'),
    clock: preciseClock,
    random,
    logger,
  });
  let stopRunning = (): void => {};
  return {
    filter: priorityAndFairness({ ...options, controller, estimator, watches, metrics }),
    serve: (request) => serveDump(controller, request),
    start: async () => {
      stopRunning = controller.run();
      filtering();
      await consumer.start();
      consumed();
    },
    keepConditions: () => consumer.keepConditions(),
    stop: () => {
      stopRunning();
      consumer.stop();
    },
  };
}

function contentsOf(resources: Resources, { apiGroup, apiVersion, resource }: RequestInfo): Contents | undefined {
  const served = resources.find(`${apiGroup}/${apiVersion}/${resource}`);
  if (served === undefined) return undefined;
  const { cacher } = resources.store(served.definition);
  return { count: cacher.size, bytes: cacher.bytes };
}
