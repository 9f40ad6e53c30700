/** What is counted of publishing an authority (pkg/controller/certificates/rootcacertpublisher/metrics.go). */
import { StatusError } from '@keelson/api/errors';
import { exponentialBounds } from '@keelson/component/metrics/families';
import type { ControllerContext } from '../controller.ts';
import { Families } from '../metrics.ts';

/** @returns the same, each time counted by the code that the server answered in the end */
export function countedSyncs<T>(
  { metrics, world: { clock } }: Pick<ControllerContext, 'metrics' | 'world'>,
  subsystem: string,
  sync: (item: T) => Promise<void>,
): (item: T) => Promise<void> {
  const families = new Families(subsystem, metrics);
  const syncs = families.counter('sync_total', 'ALPHA', 'Looks.', 'code');
  const seconds = families.histogram(
    exponentialBounds(0.001, 2, 15),
    'sync_duration_seconds',
    'ALPHA',
    'How long a look took.',
    'code',
  );
  return async (item) => {
    const startedAt = clock.now();
    let code = 200;
    try {
      await sync(item);
    } catch (error) {
      code = error instanceof StatusError ? error.code : 500;
      throw error;
    } finally {
      syncs.with(String(code)).inc();
      seconds.with(String(code)).observe((clock.now() - startedAt) / 1000);
    }
  };
}
