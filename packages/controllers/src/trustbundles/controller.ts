/**
 * Publishes what the API server's certificate is checked with as a ClusterTrustBundle of its signer
 * (pkg/controller/certificates/clustertrustbundlepublisher).
 */
import { createHash } from 'node:crypto';
import { hasReason, keyOf, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { countedSyncs } from '../rootca/metrics.ts';
import { isServed } from '../served.ts';
import { runQueue } from '../work.ts';

const SIGNER = 'kubernetes.io/kube-apiserver-serving';
const BUNDLES = 'clustertrustbundles.certificates.k8s.io';
/** Bytes of the hash that tells bundles of a signer apart. */
const HASH_BYTES = 12;

/** `kubernetes.io:kube-apiserver-serving:<hash>` */
function bundleName(signer: string, bundle: string): string {
  const hash = createHash('sha256').update(bundle).digest().subarray(0, HASH_BYTES).toString('hex');
  return `${signer.replaceAll('/', ':')}:${hash}`;
}

/** Reads `rootCa`. */
export async function start(context: ControllerContext) {
  const { client, informers, world, settings } = context;
  const { rootCa: trustBundle } = settings;
  if (!trustBundle || !(await isServed(client, BUNDLES))) return undefined;
  const queue = new WorkQueue<'bundle'>(world, 'ca_cert_publisher_cluster_trust_bundles');
  const bundles = informers.informer(BUNDLES, { fieldSelector: `spec.signerName=${SIGNER}` });
  const changed = () => queue.add('bundle');
  bundles.addHandler({ added: changed, updated: changed, deleted: changed });
  changed();
  const name = bundleName(SIGNER, trustBundle);
  const resource = client.resource(BUNDLES);

  const sync = async () => {
    const existing = bundles.store.get(name);
    const spec = { signerName: SIGNER, trustBundle };
    if (!existing) await resource.create({ metadata: { name }, spec });
    else if (existing.spec.trustBundle !== trustBundle) await resource.update({ ...existing, spec });
    for (const other of bundles.store.list()) {
      if (other.metadata.name === name) continue;
      await resource.delete(keyOf(other)).catch((error: unknown) => {
        if (!hasReason(error, 'NotFound')) throw error;
      });
    }
  };
  const reconcile = countedSyncs<'bundle'>(context, 'clustertrustbundle_publisher', sync);
  return runQueue(context, { queue, informers: [bundles], workers: 1, reconcile });
}
