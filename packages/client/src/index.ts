export { hasReason } from '@keelson/api/errors';
export { Expectations, NamedExpectations } from './controller/expectations.ts';
export * from './controller/owners.ts';
export { type Access, AccessReviewer, TokenReviewer } from './delegated/reviews.ts';
export { elected, LeadLostError } from './election/elected.ts';
export { type ElectionOptions, LeaderElector } from './election/elector.ts';
export { ApiEventRecorder, type EventDetails, type EventRecorder, type RecorderOptions } from './events/recorder.ts';
export { type ResourceName, type ResourceTypes, resources } from './generated/resources.ts';
export { InformerFactory } from './informer/factory.ts';
export { type Handler, Informer, type InformerOptions, withoutManagedFields } from './informer/informer.ts';
export { type IndexFunction, type Lister, splitKey, storeKey } from './informer/store.ts';
export { ClientMetrics } from './metrics.ts';
export { Client, type ClientOptions, type TokenSource } from './rest/client.ts';
export { type ConnectOptions, connect } from './rest/connect.ts';
export { discover, preferred, type Served, type ServedResource } from './rest/discovery.ts';
export { isExpired, RequestTimeoutError, retryOnConflict } from './rest/errors.ts';
export {
  type ClusterConfig,
  inClusterConfig,
  KubeconfigError,
  loadKubeconfig,
  parseKubeconfig,
} from './rest/kubeconfig.ts';
export {
  type Draft,
  keyOf,
  type List,
  type ObjectKey,
  type ResourceClient,
  type ResourceDefinition,
  type Subresource,
  type WatchEvent,
} from './rest/resource.ts';
export { ConnectionError, type Transport, type WireRequest, type WireResponse } from './rest/transport.ts';
export { WorkQueue } from './workqueue/queue.ts';
export { defaultRateLimiter, type RateLimiter } from './workqueue/ratelimiter.ts';
export { type Again, runWorkers } from './workqueue/workers.ts';
export { pause, sleep, systemWorld, type World, within } from './world.ts';
