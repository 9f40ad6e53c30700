export { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
export { startTestEnvironment, type TestEnvironment, type TestEnvironmentOptions } from './test-environment.ts';
