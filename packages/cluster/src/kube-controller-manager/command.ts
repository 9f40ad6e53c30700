import { connect, systemWorld } from '@keelson/client';
import { parseFeatureGates } from '@keelson/component/featuregate/featuregate';
import { flagTexts } from '@keelson/component/pflag/flags';
import { together } from '@keelson/component/running';
import { controllers } from '@keelson/controllers/controllers';
import { GATES } from '@keelson/controllers/gates';
import { type Component, runComponent } from '../commands/component.ts';
import type { Io } from '../commands/io.ts';
import { componentHealth, LEADER_ELECTION } from '../component-health.ts';
import { componentMetrics } from '../component-metrics.ts';
import { rateLimitOf, readKubeconfig, withToken } from '../connection.ts';
import { COMMON_GATES, gateErrors, tellIdleGates } from '../feature-gates.ts';
import { electionErrors } from '../leader-election.ts';
import { metricErrors, metricRules } from '../metric-flags.ts';
import { startServing } from '../secure-serving.ts';
import { descriptions, flags } from './flags.ts';
import { ServiceAccountToken } from './service-accounts.ts';
import { startControllerManager } from './start.ts';

const component: Component<typeof flags> = {
  name: 'kube-controller-manager',
  summary: 'The Kubernetes controllers: bring what is towards what the objects of the cluster ask for.',
  flags,
  descriptions,
  validate: (values) => [
    ...gateErrors(values['feature-gates']),
    ...electionErrors(values),
    ...metricErrors(values),
    ...unknownControllers(values.controllers),
  ],
  async start(values, given, logger, verbosity) {
    const config = await readKubeconfig(values.kubeconfig);
    const gates = parseFeatureGates(values['feature-gates']);
    tellIdleGates(gates, [...COMMON_GATES, ...GATES], logger);
    const { registry, clients } = componentMetrics(gates, metricRules(values));
    const options = {
      component: 'kube-controller-manager',
      world: systemWorld(logger, clients, gates.enabled('WatchListClient')),
      rateLimit: rateLimitOf(values, given),
    };
    const client = connect(config, options);
    const clientFor = (account: string) =>
      connect(withToken(config), {
        ...options,
        component: `kube-controller-manager/${account}`,
        token: new ServiceAccountToken(client, account),
      });
    const health = componentHealth({ healthz: [LEADER_ELECTION] });
    const manager = await startControllerManager(values, {
      client,
      clientFor: values['use-service-account-credentials'] ? clientFor : () => client,
      metrics: registry,
      onStarted: (name) => health.checks.add({ name, check() {} }, ['healthz']),
    });
    const served = {
      component: 'kube-controller-manager',
      metrics: registry,
      flags: flagTexts(flags, values),
      gates,
      paths: ['/configz', '/healthz', '/metrics'],
      health,
      debug: values.profiling ? { profiles: true, verbosity } : undefined,
      configuration: {},
    };
    const serving = await startServing(values, client, served, logger);
    return together([manager, ...(serving ? [serving] : [])]);
  },
};

/** `kube-controller-manager`: runs until the process is asked to end, or loses its lead. @returns the exit code */
export const kubeControllerManager = (argv: readonly string[], io: Io): Promise<number> =>
  runComponent(component, argv, io);

/** As upstream says it (cmd/kube-controller-manager/app/options: Validate). */
function unknownControllers(wanted: readonly string[]): string[] {
  const known = new Set([
    '*',
    ...controllers.flatMap(({ name, alias }) => (alias === undefined ? [name] : [name, alias])),
  ]);
  return wanted
    .map((name) => name.replace(/^-/, ''))
    .filter((name) => !known.has(name))
    .map((name) => `"${name}" is not in the list of known controllers`);
}
