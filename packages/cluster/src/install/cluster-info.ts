/** How a machine finds a cluster, and knows that it is the right one (kubeadm/app/phases/bootstraptoken/clusterinfo, util/pubkeypin). */
import { createHash, X509Certificate } from 'node:crypto';
import { encodeYaml } from '@keelson/api/codec/yaml';
import { certificatesOf } from '@keelson/apiserver/http/pem';
import { readAuthority } from './certificates.ts';
import { controlPlaneUrl } from './configuration/endpoints.ts';
import type { InstallContext } from './phase.ts';

/** A kubeconfig without a user: where the cluster is, and its authority. */
export async function clusterInfoText({ files, configuration }: InstallContext): Promise<string> {
  const { cluster, init } = configuration;
  const { certificate } = await readAuthority(files, cluster, 'ca');
  const server = controlPlaneUrl(cluster, init.localApiEndpoint);
  const data = Buffer.from(certificate).toString('base64');
  return encodeYaml({
    apiVersion: 'v1',
    clusters: [{ cluster: { 'certificate-authority-data': data, server }, name: '' }],
    contexts: null,
    'current-context': '',
    kind: 'Config',
    users: null,
  }).toString();
}

/** What `--discovery-token-ca-cert-hash` says of an authority: `sha256:` and the digest of its public key (RFC 7469, in hexadecimal). */
export const authorityHash = (certificate: string): string => hashOf(new X509Certificate(certificate));

/** The same of each certificate in a PEM text. @throws Error for a block that is none */
export const authorityHashes = (pem: string): string[] => certificatesOf(pem).map(hashOf);

function hashOf({ publicKey }: X509Certificate): string {
  const key = publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(key).digest('hex')}`;
}
