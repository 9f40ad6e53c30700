import { connect, systemWorld } from '@keelson/client';
import { type Component, runComponent } from '../commands/component.ts';
import type { Io } from '../commands/io.ts';
import { rateLimitOf, readKubeconfig } from '../connection.ts';
import { electionErrors } from '../leader-election.ts';
import { descriptions, flags } from './flags.ts';
import { configurationOf, startKubeScheduler } from './start.ts';

const component: Component<typeof flags> = {
  name: 'kube-scheduler',
  summary: 'The Kubernetes scheduler: finds a node for each pod that has none.',
  flags,
  descriptions,
  validate: (values) => electionErrors(values),
  async start(values, given, logger) {
    const { clientConnection } = await configurationOf(values);
    const config = await readKubeconfig(values.kubeconfig || clientConnection.kubeconfig);
    const rateLimit = rateLimitOf(values, given);
    return startKubeScheduler(
      values,
      connect(config, { component: 'kube-scheduler', world: systemWorld(logger), rateLimit }),
    );
  },
};

/** `kube-scheduler`: runs until the process is asked to end, or loses its lead. @returns the exit code */
export const kubeScheduler = (argv: readonly string[], io: Io): Promise<number> => runComponent(component, argv, io);
