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
  {
    name: 'statefulset-controller',
    alias: 'statefulset',
    account: 'statefulset-controller',
    start: async (context) => (await import('./statefulset/controller.ts')).start(context),
  },
  {
    name: 'daemonset-controller',
    alias: 'daemonset',
    account: 'daemon-set-controller',
    start: async (context) => (await import('./daemonset/controller.ts')).start(context),
  },
  {
    name: 'job-controller',
    alias: 'job',
    account: 'job-controller',
    start: async (context) => (await import('./job/controller.ts')).start(context),
  },
  {
    name: 'deployment-controller',
    alias: 'deployment',
    account: 'deployment-controller',
    start: async (context) => (await import('./deployment/controller.ts')).start(context),
  },
  {
    name: 'endpoints-controller',
    alias: 'endpoint',
    account: 'endpoint-controller',
    start: async (context) => (await import('./endpoints/controller.ts')).start(context),
  },
  {
    name: 'endpointslice-controller',
    alias: 'endpointslice',
    account: 'endpointslice-controller',
    start: async (context) => (await import('./endpointslice/controller.ts')).start(context),
  },
  {
    name: 'serviceaccount-controller',
    alias: 'serviceaccount',
    account: 'service-account-controller',
    start: async (context) => (await import('./serviceaccount/controller.ts')).start(context),
  },
  {
    name: 'namespace-controller',
    alias: 'namespace',
    account: 'namespace-controller',
    start: async (context) => (await import('./namespace/controller.ts')).start(context),
  },
  {
    name: 'garbage-collector-controller',
    alias: 'garbagecollector',
    account: 'generic-garbage-collector',
    start: async (context) => (await import('./garbagecollector/controller.ts')).start(context),
  },
  {
    name: 'resourcequota-controller',
    alias: 'resourcequota',
    account: 'resourcequota-controller',
    start: async (context) => (await import('./resourcequota/controller.ts')).start(context),
  },
  {
    name: 'node-lifecycle-controller',
    alias: 'nodelifecycle',
    account: 'node-controller',
    start: async (context) => (await import('./nodelifecycle/controller.ts')).start(context),
  },
  {
    name: 'taint-eviction-controller',
    account: 'node-controller',
    start: async (context) => (await import('./tainteviction/controller.ts')).start(context),
  },
  {
    name: 'certificatesigningrequest-signing-controller',
    alias: 'csrsigning',
    account: 'certificate-controller',
    start: async (context) => (await import('./certificates/signing.ts')).start(context),
  },
  {
    name: 'certificatesigningrequest-approving-controller',
    alias: 'csrapproving',
    account: 'certificate-controller',
    start: async (context) => (await import('./certificates/approving.ts')).start(context),
  },
  {
    name: 'certificatesigningrequest-cleaner-controller',
    alias: 'csrcleaner',
    account: 'certificate-controller',
    start: async (context) => (await import('./certificates/cleaning.ts')).start(context),
  },
  {
    name: 'clusterrole-aggregation-controller',
    alias: 'clusterrole-aggregation',
    account: 'clusterrole-aggregation-controller',
    start: async (context) => (await import('./clusterroleaggregation/controller.ts')).start(context),
  },
  {
    name: 'root-ca-certificate-publisher-controller',
    alias: 'root-ca-cert-publisher',
    account: 'root-ca-cert-publisher',
    start: async (context) => (await import('./rootca/controller.ts')).start(context),
  },
];
