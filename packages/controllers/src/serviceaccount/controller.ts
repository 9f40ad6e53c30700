/** Sees to it that every namespace has its `default` service account (pkg/controller/serviceaccount). */
import type { Namespace } from '@keelson/api/generated/types/core/v1';
import { hasReason, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { runQueue } from '../work.ts';

const ACCOUNTS = ['default'];

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'serviceaccount');
  const namespaces = informers.informer('namespaces');
  const accounts = informers.informer('serviceaccounts');
  const enqueue = ({ metadata }: Namespace) => queue.add(metadata.name!);
  namespaces.addHandler({ added: enqueue, updated: (_, namespace) => enqueue(namespace) });
  accounts.addHandler({ deleted: ({ metadata }) => queue.add(metadata.namespace!) });

  const reconcile = async (namespace: string) => {
    if (namespaces.store.get(namespace)?.status?.phase !== 'Active') return;
    for (const name of ACCOUNTS) {
      if (accounts.store.get(`${namespace}/${name}`)) continue;
      try {
        await client.resource('serviceaccounts').create({ metadata: { namespace, name } });
      } catch (error) {
        // Somebody else made it, or the namespace is on its way out, in which nothing new may be made.
        if (hasReason(error, 'AlreadyExists') || hasReason(error, 'NotFound')) continue;
        if (namespaces.store.get(namespace)?.status?.phase === 'Terminating') continue;
        throw error;
      }
    }
  };
  return runQueue(context, { queue, informers: [namespaces, accounts], workers: 5, reconcile });
}
