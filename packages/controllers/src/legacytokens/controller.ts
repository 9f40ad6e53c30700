/** Deletes tokens in secrets that were made by themselves and that nobody uses. */
import type { Secret } from '@keelson/api/generated/types/core/v1';
import { secretNames } from '@keelson/api/resources/pod-parts';
import { hasReason, keyOf, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { podInformer } from '../pods/informer.ts';
import { runQueue } from '../work.ts';
import { dateOf, fateOf, INVALID_SINCE, isTrackedSince, TYPE } from './decide.ts';

const PERIOD_MS = 24 * 60 * 60 * 1000;
const TRACKING = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' };

/** Reads `legacyTokenPeriodMs`. */
export async function start(context: ControllerContext) {
  const { client, informers, world, settings } = context;
  const periodMs = settings.legacyTokenPeriodMs;
  const queue = new WorkQueue<'all'>(world, 'legacy_service_account_token_cleaner');
  const accounts = informers.informer('serviceaccounts');
  const secrets = informers.informer('secrets', { fieldSelector: `type=${TYPE}` });
  const pods = podInformer(informers);
  const resource = client.resource('secrets');
  queue.add('all');

  const clean = async (secret: Secret, now: number, isMounted: (secret: Secret) => boolean) => {
    const account = (key: string) => accounts.store.get(key);
    const fate = fateOf(secret, now, periodMs, { account, isMounted });
    const { namespace, name, uid, resourceVersion } = secret.metadata;
    if (fate === 'invalidate') {
      world.log.info({ namespace, name }, 'A token that was made by itself and that nobody uses is marked as invalid');
      const patch = { metadata: { uid, labels: { [INVALID_SINCE]: dateOf(now) } } };
      await resource.patch(keyOf(secret), 'merge', patch);
    } else if (fate === 'delete') {
      world.log.info({ namespace, name }, 'A token that was made by itself and that nobody uses is deleted');
      await resource.delete(keyOf(secret), { preconditions: { resourceVersion: resourceVersion! } });
    }
  };
  const reconcile = async () => {
    const tracking = await client.resource('configmaps').get(TRACKING);
    const now = world.clock.now();
    if (!isTrackedSince(tracking.data?.since, now, periodMs)) return;
    const mounted = new Set(
      pods.store.list().flatMap((pod) => secretNames(pod).map((name) => `${pod.metadata.namespace}/${name}`)),
    );
    const isMounted = ({ metadata }: Secret) => mounted.has(`${metadata.namespace}/${metadata.name}`);
    for (const secret of secrets.store.list()) {
      await clean(secret, now, isMounted).catch((error) => {
        if (!hasReason(error, 'Conflict', 'NotFound')) world.log.error({ error }, 'A token could not be cleaned up');
      });
    }
  };
  return runQueue(context, {
    queue,
    informers: [accounts, secrets, pods],
    workers: 1,
    async reconcile() {
      await reconcile().catch((error) => world.log.error({ error }, 'Whether tokens are used could not be found out'));
      return { afterMs: PERIOD_MS };
    },
  });
}
