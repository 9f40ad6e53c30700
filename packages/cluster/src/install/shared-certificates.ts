/** What all machines of a control plane have in common, in a secret that ends by itself (kubeadm/app/phases/copycerts). */

import type { Secret } from '@keelson/api/generated/types/core/v1';
import type { OwnerReference } from '@keelson/api/generated/types/meta/v1';
import type { ClusterApi } from './api.ts';
import { decrypt, encrypt } from './certificate-key.ts';
import type { BootstrapToken, ClusterConfiguration } from './configuration/types.ts';
import type { Files } from './files.ts';
import { newToken } from './machine.ts';
import { BOOTSTRAPPERS, grant, group, readSecret } from './rbac.ts';
import { bootstrapSecret } from './tokens.ts';

export const CERTS_SECRET = { namespace: 'kube-system', name: 'kubeadm-certs' } as const;

const UPLOAD_TTL_MS = 2 * 60 * 60_000;

/** Paths by their keys in the secret. */
function sharedFiles({ certificatesDir, etcd }: ClusterConfiguration): Map<string, string> {
  const own = ['ca.crt', 'ca.key', 'front-proxy-ca.crt', 'front-proxy-ca.key', 'sa.pub', 'sa.key'];
  const names = etcd.local ? [...own, 'etcd/ca.crt', 'etcd/ca.key'] : own;
  const files = new Map(names.map((name) => [name.replaceAll('/', '-'), `${certificatesDir}/${name}`]));
  if (etcd.external) {
    files.set('external-etcd-ca.crt', etcd.external.caFile);
    files.set('external-etcd.crt', etcd.external.certFile);
    files.set('external-etcd.key', etcd.external.keyFile);
  }
  return files;
}

/**
 * Keeps this machine's files in the cluster, unreadable without the key, until the token ends that owns the secret.
 * Whoever may join may read the secret. A file that is not here is kept empty: an authority's key that is elsewhere.
 */
export async function uploadCertificates(
  api: ClusterApi,
  files: Files,
  cluster: ClusterConfiguration,
  { key, now }: { readonly key: string; readonly now: number },
): Promise<void> {
  const data: Record<string, string> = {};
  for (const [name, path] of sharedFiles(cluster)) {
    const text = path === '' ? undefined : await files.read(path);
    data[name] = text === undefined ? '' : encrypt(text, key).toString('base64');
  }
  const ownerReferences = await owner(api, now);
  await api.replace('secrets', { metadata: { ...CERTS_SECRET, ownerReferences }, data });
  await grant(api, { ...CERTS_SECRET, name: 'kubeadm:kubeadm-certs' }, readSecret(CERTS_SECRET.name), [
    group(BOOTSTRAPPERS),
  ]);
}

/** A token that is good for nothing but to end: what it owns goes with it. */
async function owner(api: ClusterApi, now: number): Promise<OwnerReference[]> {
  const token: BootstrapToken = {
    token: newToken(),
    description: 'Proxy for managing TTL for the kubeadm-certs secret',
    ttlMs: UPLOAD_TTL_MS,
    expires: '',
    usages: [],
    groups: [],
  };
  const secret = bootstrapSecret(token, now);
  await api.put('secrets', secret);
  const { namespace, name } = secret.metadata as { namespace: string; name: string };
  const made = await api.get('secrets', { namespace, name });
  if (made === undefined) return [];
  return [
    { apiVersion: 'v1', kind: 'Secret', name, uid: made.metadata.uid!, controller: true, blockOwnerDeletion: true },
  ];
}

/**
 * The files of the secret by their paths, those left out that were not there when they were kept.
 * @throws Error where the key is another, or the secret lacks one
 */
export function sharedTexts(
  { data = {} }: Pick<Secret, 'data'>,
  cluster: ClusterConfiguration,
  key: string,
): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [name, path] of sharedFiles(cluster)) {
    const sealed = data[name];
    if (sealed === undefined)
      throw new Error(`the Secret does not include the required certificate or key - name: ${name}, path: ${path}`);
    if (sealed !== '') texts.set(path, decrypt(Buffer.from(sealed, 'base64'), key));
  }
  return texts;
}
