import { hostname } from 'node:os';
import { connect, systemWorld } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import { type Component, runComponent } from '../commands/component.ts';
import type { Io } from '../commands/io.ts';
import { rateLimitOf, readKubeconfig } from '../connection.ts';
import { descriptions, flags, type Values } from './flags.ts';
import { POD_NETWORK } from './role.ts';
import { removePodNetwork, startNodeNetwork } from './start.ts';

const cniOf = (values: Values) => ({ folder: values['cni-conf-dir'], addressFolder: values['cni-ipam-dir'] });

const component: Component<typeof flags> = {
  name: 'keelson pod-network',
  summary:
    'Makes one network of the pods of all nodes: routes to the pods of other nodes, and what the container runtime joins pods of this one by.',
  flags,
  descriptions,
  validate: () => [],
  async start(values, given, logger): Promise<Running> {
    const cni = cniOf(values);
    if (values.cleanup) {
      await removePodNetwork(cni);
      return { done: Promise.resolve(), stop: async () => {} };
    }
    const client = connect(await readKubeconfig(values.kubeconfig), {
      component: POD_NETWORK,
      world: systemWorld(logger),
      rateLimit: rateLimitOf(values, given),
    });
    const nodeName = (values['hostname-override'] || hostname()).trim().toLowerCase();
    return startNodeNetwork({ client, nodeName, cni, cniCacheFolder: values['cni-cache-dir'] });
  },
};

/** `keelson pod-network`: runs until the process is asked to end. @returns the exit code */
export const podNetwork = (argv: readonly string[], io: Io): Promise<number> => runComponent(component, argv, io);
