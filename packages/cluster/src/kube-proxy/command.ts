import { hostname } from 'node:os';
import { connect, systemWorld } from '@keelson/client';
import type { Logger } from '@keelson/component/logs/logger';
import { flagTexts } from '@keelson/component/pflag/flags';
import { type Running, together } from '@keelson/component/running';
import { type PlainHandler, servePlain } from '@keelson/component/serving/plain';
import type { Command } from '../commands/command.ts';
import { type Component, helpTexts, runComponent } from '../commands/component.ts';
import type { Io } from '../commands/io.ts';
import { componentMetrics } from '../component-metrics.ts';
import { rateLimitOf, readKubeconfig } from '../connection.ts';
import { COMMON_GATES, mergedGates, tellIdleGates } from '../feature-gates.ts';
import { StartupError } from '../startup-error.ts';
import { configurationOf, type Endpoint, type KubeProxyConfiguration, loggingFile } from './configuration.ts';
import { descriptions, flags } from './flags.ts';
import { healthOf, metricsOf } from './ports.ts';
import { removeRules, type ServiceProxy, startServiceProxy } from './start.ts';

const component: Component<typeof flags> = {
  name: 'kube-proxy',
  summary:
    'The Kubernetes network proxy: has the kernel send what is addressed to services on to their endpoints, by nftables.',
  flags,
  descriptions,
  loggingFile,
  validate: () => [],
  async start(values, given, logger) {
    if (values.cleanup) return removed();
    const configuration = await configurationOf(values);
    if (configuration.fault !== undefined)
      logger.warn(
        { err: configuration.fault, path: values.config },
        'Using lenient decoding as strict decoding failed',
      );
    const gates = mergedGates(Object.entries(configuration.featureGates));
    tellIdleGates(gates, COMMON_GATES, logger);
    const { registry: metrics, clients } = componentMetrics(gates);
    const config = await readKubeconfig(configuration.kubeconfig);
    const client = connect(config, {
      component: 'kube-proxy',
      world: systemWorld(logger, clients, gates.enabled('WatchListClient')),
      rateLimit: rateLimitOf(values, given),
    });
    const { setConntrack } = await import('@keelson/proxy');
    await setConntrack(configuration.conntrack, logger);
    const proxy = await startServiceProxy({
      client,
      nodeName: (configuration.nodeName || hostname()).trim().toLowerCase(),
      settings: configuration.settings,
      metrics,
      clean: false,
    });
    const metricsPort = metricsOf(metrics, configuration, flagTexts(flags, values), gates);
    return together([proxy, ...(await ports(configuration, proxy, metricsPort, logger))]);
  },
};

/** `keelson kube-proxy`: runs until the process is asked to end. @returns the exit code */
export const kubeProxy = (argv: readonly string[], io: Io): Promise<number> => runComponent(component, argv, io);

async function removed(): Promise<Running> {
  await removeRules();
  return { done: Promise.resolve(), stop: async () => {} };
}

/** @throws StartupError where one is taken, and that is not to be borne */
async function ports(
  configuration: KubeProxyConfiguration,
  proxy: ServiceProxy,
  metricsPort: PlainHandler,
  logger: Logger,
): Promise<Running[]> {
  const open = async (endpoint: Endpoint | undefined, handle: PlainHandler): Promise<Running[]> => {
    if (endpoint === undefined) return [];
    try {
      return [await servePlain(endpoint, handle)];
    } catch (error) {
      const { message } = error as Error;
      if (configuration.bindAddressHardFail) throw new StartupError(message, 'stop what listens there');
      logger.error({ err: message }, 'A port of the proxy is not served');
      return [];
    }
  };
  return [
    ...(await open(
      configuration.healthz,
      healthOf(() => proxy),
    )),
    ...(await open(configuration.metrics, metricsPort)),
  ];
}

export const command: Command = { flags, descriptions: helpTexts(flags, descriptions), run: kubeProxy };
