/** The steps in which a server ends, one after the other (`Lifecycle` says what requests meet meanwhile). */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerConfig } from './config.ts';
import type { Listener } from './http/listener.ts';
import type { Lifecycle } from './lifecycle.ts';

/** What is left of connections when all requests have been answered. */
const LINGER_MS = 500;

/**
 * Resolves when nothing runs any more.
 * @param config how long the steps may take
 * @param running what is stopped while the server still serves: some of it has to clean up
 */
export async function shutDown(
  config: ServerConfig,
  lifecycle: Lifecycle,
  listener: Listener,
  running: readonly { stop(): Promise<void> }[],
): Promise<void> {
  const { shutdownDelayMs, shutdownSendRetryAfter, shutdownWatchGraceMs = 0 } = config;
  lifecycle.stop();
  listener.endWithAnswers();
  await Promise.all([sleep(shutdownDelayMs), ...running.map((part) => part.stop())]);
  lifecycle.refuse();
  // Who is still to be told when to come back has to find somebody listening.
  if (!shutdownSendRetryAfter) listener.stopAccepting();
  await Promise.all([
    lifecycle.drained(config.requestTimeoutSeconds * 1000),
    shutdownWatchGraceMs > 0 && lifecycle.endWatches(shutdownWatchGraceMs),
  ]);
  listener.stopAccepting();
  lifecycle.endLongRunning();
  await listener.close(LINGER_MS);
}
