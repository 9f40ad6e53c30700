/** Publishes the API server's authority in every namespace, as `kube-root-ca.crt` (pkg/controller/certificates/rootcacertpublisher). */
import type { ConfigMap, Namespace } from '@keelson/api/generated/types/core/v1';
import { hasReason, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { runQueue } from '../work.ts';
import { countedSyncs } from './metrics.ts';

const NAME = 'kube-root-ca.crt';
const ANNOTATION = 'kubernetes.io/description';
const DESCRIPTION =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. ' +
  'No other usage is guaranteed across distributions of Kubernetes clusters.';

/** What is to be written for a namespace's config map to be right; undefined: nothing. */
export function plan(existing: ConfigMap | undefined, rootCa: string): 'create' | ConfigMap | undefined {
  if (!existing) return 'create';
  const { data = {}, metadata } = existing;
  const isRight = Object.keys(data).length === 1 && data['ca.crt'] === rootCa;
  if (isRight && metadata.annotations?.[ANNOTATION]) return undefined;
  const annotations = { ...metadata.annotations, [ANNOTATION]: DESCRIPTION };
  return { ...existing, metadata: { ...metadata, annotations }, data: { 'ca.crt': rootCa } };
}

export async function start(context: ControllerContext) {
  const { client, informers, world, settings } = context;
  const { rootCa } = settings;
  if (rootCa === undefined) return undefined;
  const queue = new WorkQueue<string>(world, 'root_ca_cert_publisher');
  const namespaces = informers.informer('namespaces');
  const configMaps = informers.informer('configmaps', { fieldSelector: `metadata.name=${NAME}` });
  const enqueue = ({ metadata }: Namespace) => queue.add(metadata.name!);
  namespaces.addHandler({ added: enqueue, updated: (_, namespace) => enqueue(namespace) });
  const changed = ({ metadata }: ConfigMap) => queue.add(metadata.namespace!);
  configMaps.addHandler({ updated: (_, configMap) => changed(configMap), deleted: changed });

  const sync = async (namespace: string) => {
    if (namespaces.store.get(namespace)?.status?.phase !== 'Active') return;
    const resource = client.resource('configmaps');
    const wanted = plan(configMaps.store.get(`${namespace}/${NAME}`), rootCa);
    try {
      if (wanted === 'create') {
        const metadata = { namespace, name: NAME, annotations: { [ANNOTATION]: DESCRIPTION } };
        await resource.create({ metadata, data: { 'ca.crt': rootCa } });
      } else if (wanted) await resource.update(wanted);
    } catch (error) {
      if (hasReason(error, 'AlreadyExists') || hasReason(error, 'NotFound')) return;
      if (namespaces.store.get(namespace)?.status?.phase === 'Terminating') return;
      throw error;
    }
  };
  const reconcile = countedSyncs(context, 'root_ca_cert_publisher', sync);
  return runQueue(context, { queue, informers: [namespaces, configMaps], workers: 5, reconcile });
}
