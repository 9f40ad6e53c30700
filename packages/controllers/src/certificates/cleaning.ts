/** Deletes signing requests that have served their purpose, or never will (pkg/controller/certificates/cleaner). */
import { X509Certificate } from 'node:crypto';
import type { CertificateSigningRequest } from '@keelson/api/generated/types/certificates/v1';
import { millisOf } from '@keelson/api/time';
import { hasReason, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { runQueue } from '../work.ts';

const HOUR = 3_600_000;
const POLL_MS = HOUR;
/** How long requests are kept that were decided upon, and those that were not. */
const DECIDED_MS = HOUR;
const PENDING_MS = 24 * HOUR;

/** @param now milliseconds since 1970 */
export function isOver({ metadata, status }: CertificateSigningRequest, now: number): boolean {
  const conditions = status?.conditions ?? [];
  const isOlder = (time: string | null | undefined, ms: number) => Boolean(time) && now - millisOf(time!) > ms;
  if (conditions.length === 0) return isOlder(metadata.creationTimestamp, PENDING_MS);
  const certificate = status?.certificate as string | undefined;
  return conditions.some(({ type, lastUpdateTime }) => {
    if (type === 'Denied' || type === 'Failed') return isOlder(lastUpdateTime, DECIDED_MS);
    if (type !== 'Approved') return false;
    if (!certificate) return isOlder(lastUpdateTime, PENDING_MS);
    return isOlder(lastUpdateTime, DECIDED_MS) || isExpired(certificate, now);
  });
}

function isExpired(certificate: string, now: number): boolean {
  try {
    return Date.parse(new X509Certificate(Buffer.from(certificate, 'base64')).validTo) < now;
  } catch {
    return false;
  }
}

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<'all'>(world, 'certificate_cleaner');
  const requests = informers.informer('certificatesigningrequests.certificates.k8s.io');
  queue.add('all');
  const reconcile = async () => {
    for (const request of requests.store.list()) {
      if (!isOver(request, world.clock.now())) continue;
      const { name = '' } = request.metadata;
      await client
        .resource('certificatesigningrequests.certificates.k8s.io')
        .delete({ name })
        .catch((error: unknown) => {
          if (!hasReason(error, 'NotFound')) world.log.warn({ name, error }, 'A signing request could not be deleted');
        });
    }
    return { afterMs: POLL_MS };
  };
  return runQueue(context, { queue, informers: [requests], workers: 1, reconcile });
}
