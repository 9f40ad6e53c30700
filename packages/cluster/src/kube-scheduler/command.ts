import { connect, systemWorld } from '@keelson/client';
import { parseFeatureGates } from '@keelson/component/featuregate/featuregate';
import { flagTexts } from '@keelson/component/pflag/flags';
import { together } from '@keelson/component/running';
import { GATES } from '@keelson/scheduler/gates';
import { type Component, runComponent } from '../commands/component.ts';
import type { Io } from '../commands/io.ts';
import { componentHealth, LEADER_ELECTION } from '../component-health.ts';
import { componentMetrics } from '../component-metrics.ts';
import { rateLimitOf, readKubeconfig } from '../connection.ts';
import { COMMON_GATES, gateErrors, tellIdleGates } from '../feature-gates.ts';
import { electionErrors } from '../leader-election.ts';
import { metricErrors, metricRules } from '../metric-flags.ts';
import { metricsPage, startServing } from '../secure-serving.ts';
import { descriptions, flags } from './flags.ts';
import { configurationOf, startKubeScheduler } from './start.ts';

const component: Component<typeof flags> = {
  name: 'kube-scheduler',
  summary: 'The Kubernetes scheduler: finds a node for each pod that has none.',
  flags,
  descriptions,
  validate: (values) => [...gateErrors(values['feature-gates']), ...electionErrors(values), ...metricErrors(values)],
  async start(values, given, logger, verbosity) {
    const configuration = await configurationOf(values);
    const config = await readKubeconfig(values.kubeconfig || configuration.clientConnection.kubeconfig);
    const gates = parseFeatureGates(values['feature-gates']);
    tellIdleGates(gates, [...COMMON_GATES, ...GATES], logger);
    const { registry, clients } = componentMetrics(gates, metricRules(values));
    const rateLimit = rateLimitOf(values, given);
    const client = connect(config, {
      component: 'kube-scheduler',
      world: systemWorld(logger, clients, gates.enabled('WatchListClient')),
      rateLimit,
    });
    const scheduler = await startKubeScheduler(values, client, { metrics: registry, isEnabled: gates.isEnabled });
    const synced = () => {
      if (!scheduler.hasSynced) throw new Error('waiting for handlers to sync');
    };
    const health = componentHealth({
      healthz: [LEADER_ELECTION],
      readyz: [LEADER_ELECTION, { name: 'sched-handler-sync', check: synced }],
    });
    const served = {
      component: 'kube-scheduler',
      metrics: registry,
      flags: flagTexts(flags, values),
      gates,
      paths: ['/configz', '/healthz', '/livez', '/metrics', '/readyz'],
      health,
      others: { '/metrics/resources': () => metricsPage(scheduler.podResources) },
      debug: configuration.enableProfiling ? { profiles: true, verbosity } : undefined,
      configuration: { 'kubescheduler.config.k8s.io': configuration },
    };
    const serving = await startServing(values, client, served, logger);
    return together([scheduler, ...(serving ? [serving] : [])]);
  },
};

/** `kube-scheduler`: runs until the process is asked to end, or loses its lead. @returns the exit code */
export const kubeScheduler = (argv: readonly string[], io: Io): Promise<number> => runComponent(component, argv, io);
