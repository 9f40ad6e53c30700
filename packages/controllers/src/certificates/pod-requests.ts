/** Deletes requests for certificates of pods that have got their answer, or never will (pkg/controller/certificates/cleaner/pcrcleaner.go). */
import type { PodCertificateRequest } from '@keelson/api/generated/types/certificates/v1beta1';
import { millisOf } from '@keelson/api/time';
import { hasReason, keyOf, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { isServed } from '../served.ts';
import { runQueue } from '../work.ts';

const REQUESTS = 'podcertificaterequests.certificates.k8s.io';
const MINUTE_MS = 60_000;
const POLL_MS = 5 * MINUTE_MS;
/** Longer than any signer should take. */
const KEPT_MS = 15 * MINUTE_MS;

/** @param now milliseconds since 1970 */
export function isLeftOver({ metadata }: PodCertificateRequest, now: number): boolean {
  return now - millisOf(metadata.creationTimestamp ?? '') >= KEPT_MS;
}

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  if (!(await isServed(client, REQUESTS))) return undefined;
  const queue = new WorkQueue<'all'>(world, 'pod_certificate_request_cleaner');
  const requests = informers.informer(REQUESTS);
  queue.add('all');
  const reconcile = async () => {
    for (const request of requests.store.list()) {
      if (!isLeftOver(request, world.clock.now())) continue;
      await client
        .resource(REQUESTS)
        .delete(keyOf(request), { preconditions: { uid: request.metadata.uid! } })
        .catch((error: unknown) => {
          const { name } = request.metadata;
          if (!hasReason(error, 'NotFound')) world.log.warn({ name, error }, 'A request of a pod could not be deleted');
        });
    }
    return { afterMs: POLL_MS };
  };
  return runQueue(context, { queue, informers: [requests], workers: 1, reconcile });
}
