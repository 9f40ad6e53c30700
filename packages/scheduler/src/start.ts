/** Puts the parts together. docs/scheduler.md draws them. */
import type { TypedObject } from '@keelson/api/object';
import {
  ApiEventRecorder,
  type Client,
  type EventRecorder,
  InformerFactory,
  LeaderElector,
  LeadLostError,
  type ResourceName,
  type ResourceTypes,
  withoutManagedFields,
} from '@keelson/client';
import { isEnabledByDefault } from '@keelson/component/featuregate/featuregate';
import type { Logger } from '@keelson/component/logs/logger';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { ended, heardLater } from '@keelson/component/promises';
import type { Running } from '@keelson/component/running';
import { Cache } from './cache/cache.ts';
import { Snapshot } from './cache/snapshot.ts';
import { defaultConfiguration } from './config/defaults.ts';
import type { NodeResourcesFitArgs, ProfileConfiguration, SchedulerConfiguration } from './config/types.ts';
import { Algorithm } from './cycle/algorithm.ts';
import { Binder } from './cycle/binding.ts';
import { Permits } from './cycle/permits.ts';
import { patchPodStatus } from './cycle/pod-status.ts';
import { Scheduler } from './cycle/scheduler.ts';
import { Extenders } from './extenders/extenders.ts';
import { askOverHttp } from './extenders/http.ts';
import type { IndexedLister, Listers, PluginFactory, Writer } from './framework/plugin.ts';
import { Profile } from './framework/profile.ts';
import { sampled } from './framework/sampled.ts';
import type { IsEnabled } from './gates.ts';
import { handleNodes, handleOthers, handlePods, podsOf } from './handlers.ts';
import { SchedulerMetrics } from './metrics.ts';
import { registry as inTree } from './plugins/registry.ts';
import { podResources } from './pod-resources.ts';
import { Hints } from './queue/hints.ts';
import { SchedulingQueue } from './queue/queue.ts';

export interface SchedulerOptions {
  /** Reads, binds and tells; its world gives the time. */
  readonly client: Client;
  /** Everything by default when there is none. */
  readonly configuration?: SchedulerConfiguration | undefined;
  /** Where metrics are registered, once. */
  readonly metrics?: MetricsRegistry | undefined;
  /**
   * Schedules only while it leads, by the lease that the configuration names, and ends when it has lost it. Without this
   * it schedules at once.
   */
  readonly election?: { readonly identity: string } | undefined;
  /** Plugins beside those in tree, or instead of them. */
  readonly plugins?: ReadonlyMap<string, PluginFactory> | undefined;
  /** Whether a feature gate is. Default: as they are where nobody has said anything. */
  readonly isEnabled?: IsEnabled | undefined;
  /** Seconds since any fixed time, for durations. */
  readonly stopwatch?: (() => number) | undefined;
}

export interface RunningScheduler extends Running {
  /** For readyz: whether it knows the cluster as it was when it started. */
  readonly hasSynced: boolean;
  /** For healthz; always true where nobody is elected. */
  readonly leads: boolean;
  /** For `/metrics/resources`: what pods ask for. */
  readonly podResources: MetricsRegistry;
}

/**
 * Starts a scheduler. Resolves at once; it schedules when its copies of the cluster are complete, and it leads if it has to.
 * @throws Error for a configuration that names plugins which do not exist or do not fit
 */
export async function startScheduler(options: SchedulerOptions): Promise<RunningScheduler> {
  const { client, configuration = defaultConfiguration(), election } = options;
  const { world } = client;
  const informers = new InformerFactory(client);
  const parts = assemble(options, configuration, informers);
  const stop = new AbortController();
  const elector = election && electorOf(client, configuration, election.identity, parts.recorder);
  const synced = heardLater(informers.synced());
  let hasSynced = false;
  synced.then(
    () => {
      hasSynced = true;
    },
    () => {},
  );

  const schedule = async (signal: AbortSignal) => {
    if (configuration.delayCacheUntilActive) informers.start();
    await synced;
    await parts.scheduler.run(signal);
  };
  const run = async () => {
    if (!elector) return schedule(stop.signal);
    const outcome = await elector.run(schedule, stop.signal);
    if (outcome === 'lost') throw new LeadLostError('leaderelection lost');
  };
  if (!configuration.delayCacheUntilActive || !elector) informers.start();
  const done = run()
    .catch((error) => {
      if (!stop.signal.aborted) throw error;
    })
    .finally(async () => {
      parts.close();
      await informers.stop();
    });
  done.catch((error) => world.log.error({ error }, 'The scheduler has ended'));
  return {
    done,
    stop: async () => {
      stop.abort(new Error('the scheduler was stopped'));
      if (!hasSynced) await informers.stop();
      await ended(done);
    },
    get hasSynced() {
      return hasSynced;
    },
    get leads() {
      return elector?.leads ?? true;
    },
    podResources: podResources(() => podsOf(informers).store.values()),
  };
}

function electorOf(
  client: Client,
  { leaderElection }: SchedulerConfiguration,
  identity: string,
  recorder: EventRecorder,
) {
  const { resourceName: name, resourceNamespace: namespace, ...durations } = leaderElection;
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = durations;
  return new LeaderElector({
    client,
    namespace,
    name,
    identity,
    leaseDurationMs,
    renewDeadlineMs,
    retryPeriodMs,
    release: true,
    recorder,
  });
}

function assemble(options: SchedulerOptions, configuration: SchedulerConfiguration, informers: InformerFactory) {
  const { client, metrics: registry = new MetricsRegistry(), isEnabled = isEnabledByDefault } = options;
  const { stopwatch = () => performance.now() / 1000 } = options;
  const { world } = client;
  const cache = new Cache();
  const snapshot = new Snapshot();
  const permits = new Permits(world.clock);
  const source = { component: 'default-scheduler', host: '' };
  const recorder = new ApiEventRecorder({ client, source, api: 'events.k8s.io/v1' });
  const pods = podsOf(informers);
  const current = (key: string) => pods.store.get(key);
  const metrics = new SchedulerMetrics(
    registry,
    {
      pending: () => queue.counts(),
      cached: () => ({ nodes: cache.nodeCount, pods: cache.podCount, assumed_pods: cache.assumedCount }),
      inFlight: () => queue.inFlightEvents(),
    },
    stopwatch,
  );
  const writer: Writer = {
    client,
    recorder,
    activate: (which) => queue.activate(which),
    giveUp: (uid, why) => binder.giveUp(uid, why),
    preempted: (victims) => metrics.preempted(victims),
    evicting: () => metrics.evicting(),
    claimCreated: (succeeded) => metrics.claimCreated(succeeded),
    awaiting: (profile) => metrics.awaiting(profile),
    clearNominations: async (which) => {
      await Promise.all(which.map(({ pod }) => patchPodStatus(client, pod, { nominatedNodeName: '' })));
    },
  };
  const plugins = new Map([...inTree, ...(options.plugins ?? [])]);
  const extenders = extendersOf(configuration, world.log);
  const ignored = configuration.extenders.flatMap(({ managedResources }) =>
    managedResources.filter((each) => each.ignoredByScheduler),
  );
  const profiles = new Map<string, Profile>();
  const nominations = { on: (node: string) => queue.nominations.on(node) };
  for (const profile of configuration.profiles) {
    const context = {
      profile: profile.schedulerName,
      snapshot,
      listers: listersOf(informers),
      nominations,
      world,
      isEnabled,
      writer,
      extenders,
    };
    profiles.set(profile.schedulerName, new Profile(ignoring(profile, ignored), plugins, context));
  }
  const interests = new Map(Array.from(profiles, ([name, profile]) => [name, profile.interests()]));
  const profileOf = sampled(profiles, metrics, world.random);
  const first = profiles.values().next().value!;
  const queue: SchedulingQueue = new SchedulingQueue({
    clock: world.clock,
    compare: (a, b) => first.plugins.queueSort[0]!.compare!(a, b),
    initialBackoffMs: configuration.podInitialBackoffSeconds * 1000,
    maxBackoffMs: configuration.podMaxBackoffSeconds * 1000,
    popsEarly: isEnabled('SchedulerPopFromBackoffQ'),
    hints: new Hints(
      interests,
      (plugin, error) => world.log.warn({ plugin, error }, 'A queueing hint failed'),
      metrics,
    ),
    preEnqueue: (pod, gate) => profileOf(pod.pod.spec.schedulerName ?? '')?.preEnqueue(pod, gate),
    current,
    observer: metrics,
    ready: () => scheduler.ready(),
  });
  const algorithm = new Algorithm({
    snapshot,
    percentageOfNodesToScore: configuration.percentageOfNodesToScore,
    extenders,
    random: world.random,
    metrics,
    batches: isEnabled('OpportunisticBatching'),
  });
  const common = { client, cache, queue, permits, recorder, metrics, log: world.log };
  const binder: Binder = new Binder({
    ...common,
    extenders,
    tellsNodes: isEnabled('NominatedNodeNameForExpectation'),
    failed: (...failure) => scheduler.fail(...failure),
  });
  const scheduler: Scheduler = new Scheduler({ ...common, snapshot, profileOf, algorithm, binder, current });

  const handlers = { cache, queue, binder, isOurs: (name: string | undefined) => profiles.has(name ?? '') };
  handlePods(informers, handlers);
  handleNodes(informers, handlers);
  const wanted = new Set(
    [...interests.values()].flatMap((each) => [...each.values()].flat().map(({ event }) => event.resource)),
  );
  handleOthers(informers, handlers, (resource) => wanted.has(resource));
  return {
    scheduler,
    recorder,
    close: () => {
      queue.close();
      recorder.stop();
    },
  };
}

function extendersOf({ extenders }: SchedulerConfiguration, log: Logger): Extenders | undefined {
  if (extenders.length === 0) return undefined;
  return new Extenders(
    extenders.map((each) => ({ configuration: each, ask: askOverHttp(each) })),
    log,
  );
}

/** Resources that extenders look after alone. */
function ignoring(
  profile: ProfileConfiguration,
  resources: readonly { readonly name: string }[],
): ProfileConfiguration {
  if (resources.length === 0) return profile;
  const fit = profile.args.get('NodeResourcesFit') as NodeResourcesFitArgs;
  const ignoredResources = [...fit.ignoredResources, ...resources.map(({ name }) => name)];
  return { ...profile, args: new Map(profile.args).set('NodeResourcesFit', { ...fit, ignoredResources }) };
}

/** The informer of a collection begins when a plugin asks for it. */
function listersOf(informers: InformerFactory): Listers {
  return <N extends ResourceName>(name: N) => {
    const informer =
      name === 'pods' ? podsOf(informers) : informers.informer(name, { transform: withoutManagedFields });
    return informer.store as unknown as IndexedLister<ResourceTypes[N] & TypedObject>;
  };
}
