import type { Controller } from './controller.ts';

/** All controllers, in the order in which they are started. */
export const controllers: readonly Controller[] = [
  {
    name: 'replicationcontroller-controller',
    alias: 'replicationcontroller',
    account: 'replication-controller',
    start: async (context) => (await import('./replicationcontroller/controller.ts')).start(context),
  },
  {
    name: 'replicaset-controller',
    alias: 'replicaset',
    account: 'replicaset-controller',
    start: async (context) => (await import('./replicaset/controller.ts')).start(context),
  },
];
