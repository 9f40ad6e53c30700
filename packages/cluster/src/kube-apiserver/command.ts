import { GATES } from '@keelson/apiserver/gates';
import { type Component, runComponent } from '../commands/component.ts';
import type { Io } from '../commands/io.ts';
import { LOGGING_GATES } from '../commands/logging.ts';
import { tellIdleGates } from '../feature-gates.ts';
import { openEgress } from './egress.ts';
import { gatesOf } from './emulation.ts';
import { descriptions, flags } from './flags.ts';
import { openStoreOf, startServer } from './server.ts';
import { openTracing } from './tracing.ts';
import { validate } from './validation.ts';

const component: Component<typeof flags> = {
  name: 'kube-apiserver',
  summary: 'The Kubernetes API server: serves the REST API in front of etcd, or of a store of its own.',
  flags,
  descriptions,
  validate,
  async start(values, given, logger, verbosity) {
    tellIdleGates(gatesOf(values), [...GATES, ...LOGGING_GATES], logger);
    const egress = await openEgress(values);
    const tracing = await openTracing(values, logger, egress);
    const store = await openStoreOf(values, { egress, tracing });
    const server = await startServer(values, { store, logger, given, verbosity, egress, tracing });
    logger.info({ port: server.port, milliseconds: Math.round(performance.now()) }, 'Serving');
    return server;
  },
};

/** `kube-apiserver`: runs until the process is asked to end. @returns the exit code */
export const kubeApiserver = (argv: readonly string[], io: Io): Promise<number> => runComponent(component, argv, io);
