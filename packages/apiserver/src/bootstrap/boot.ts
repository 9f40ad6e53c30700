/** What a server does between listening and being ready; each part has its health check. */
import type { Logger } from '@keelson/component/logs/logger';
import type { HealthChecks } from '../health/checks.ts';

export interface BootOptions {
  readonly health: HealthChecks;
  readonly logger: Logger;
  /** The watch caches that are filled before anybody asks for them. */
  readonly load: () => Promise<void>;
  /** What decides about requests follows what is stored. */
  readonly follow: () => Promise<void>;
  /** The records of addresses and ports. */
  readonly repair: { start(): Promise<void> };
  /** What must exist. */
  readonly objects: () => Promise<void>;
  /** Priority levels and flow schemas: that they exist, and that requests are queued by them. */
  readonly upkeep: { start(health: HealthChecks): Promise<void> };
  readonly flow: { start(): Promise<void> } | undefined;
  readonly custom: { start(): Promise<void> };
  /** What is served here is registered, what is served elsewhere found. */
  readonly aggregation: { start(health: HealthChecks): Promise<void> };
  /** What other API servers serve. */
  readonly peers: { start(health: HealthChecks): Promise<void> };
  /** By what others see that it is there. */
  readonly presence: { start(health: HealthChecks): Promise<void> };
}

/** After so long, and as long again each time, the log says what a server waits for. */
const REPORT_MS = 10_000;

/** Resolves when all is done. @throws StatusError, StoreUnavailableError */
export async function boot(options: BootOptions): Promise<void> {
  const { health, logger } = options;
  const report = setInterval(() => logger.warn({ waitsFor: health.unfinished }, 'not ready yet'), REPORT_MS);
  try {
    const filled = health.addBootHook('storage-readiness');
    await Promise.all([options.load().then(filled), settle(options)]);
  } finally {
    clearInterval(report);
  }
}

async function settle(options: BootOptions): Promise<void> {
  const synced = options.health.addBootHook('generic-apiserver-start-informers');
  await options.follow();
  synced();
  await Promise.all([options.objects(), queueing(options), serving(options), addressing(options)]);
}

async function queueing({ health, upkeep, flow }: BootOptions): Promise<void> {
  await upkeep.start(health);
  await flow?.start();
}

async function serving({ health, custom, aggregation, peers }: BootOptions): Promise<void> {
  const served = health.addBootHook('crd-informer-synced');
  await custom.start();
  served();
  await aggregation.start(health);
  await peers.start(health);
}

/** The service of the API itself has one of the addresses. */
async function addressing({ health, repair, presence }: BootOptions): Promise<void> {
  const repaired = health.addBootHook('start-service-ip-repair-controllers');
  const ranged = health.addBootHook('start-kubernetes-service-cidr-controller');
  await repair.start();
  repaired();
  ranged();
  await presence.start(health);
}
