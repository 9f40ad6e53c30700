/** Told of moves between queues, for metrics. */
export interface QueueObserver {
  incoming(queue: 'active' | 'backoff' | 'unschedulable', event: string): void;
  /** One more or one less pod that waits because of a plugin. */
  rejected(plugin: string, profile: string, change: 1 | -1): void;
}
