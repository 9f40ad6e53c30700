import { hostname } from 'node:os';
import { connect, systemWorld } from '@keelson/client';
import { flagTexts } from '@keelson/component/pflag/flags';
import type { Running } from '@keelson/component/running';
import type { Command } from '../commands/command.ts';
import { type Component, helpTexts, runComponent } from '../commands/component.ts';
import type { Io } from '../commands/io.ts';
import { componentMetrics } from '../component-metrics.ts';
import { rateLimitOf, readKubeconfig } from '../connection.ts';
import { endpointOf } from '../kube-proxy/configuration.ts';
import { tunnelOf } from './configuration.ts';
import { descriptions, flags, type Values } from './flags.ts';
import { HEALTHZ_PORT, METRICS_PORT } from './ports.ts';
import { POD_NETWORK } from './role.ts';
import { removePodNetwork, startNodeNetwork } from './start.ts';

const cniOf = (values: Values) => ({ folder: values['cni-conf-dir'], addressFolder: values['cni-ipam-dir'] });

const component: Component<typeof flags> = {
  name: 'keelson pod-network',
  summary:
    'Makes one network of the pods of all nodes: routes to the pods of other nodes, a tunnel to those behind routers, and what the container runtime joins pods of this one by.',
  flags,
  descriptions,
  validate: () => [],
  async start(values, given, logger): Promise<Running> {
    const cni = cniOf(values);
    if (values.cleanup) {
      await removePodNetwork(cni);
      return { done: Promise.resolve(), stop: async () => {} };
    }
    const tunnel = await tunnelOf(values);
    const ports = {
      healthz: endpointOf(values['healthz-bind-address'], HEALTHZ_PORT),
      metrics: endpointOf(values['metrics-bind-address'], METRICS_PORT),
    };
    const { registry: metrics, clients } = componentMetrics();
    const client = connect(await readKubeconfig(values.kubeconfig), {
      component: POD_NETWORK,
      world: systemWorld(logger, clients),
      rateLimit: rateLimitOf(values, given),
    });
    const nodeName = (values['hostname-override'] || hostname()).trim().toLowerCase();
    const cniCacheFolder = values['cni-cache-dir'];
    const shown = flagTexts(flags, values);
    return startNodeNetwork({ client, nodeName, cni, tunnel, cniCacheFolder, metrics, ports, flags: shown });
  },
};

/** `keelson pod-network`: runs until the process is asked to end. @returns the exit code */
export const podNetwork = (argv: readonly string[], io: Io): Promise<number> => runComponent(component, argv, io);

export const command: Command = { flags, descriptions: helpTexts(flags, descriptions), run: podNetwork };
