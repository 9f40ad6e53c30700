/** What a machine of the control plane has in common with the others: from the cluster, or copied. */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { type Client, hasReason } from '@keelson/client';
import type { AuthorityFile } from '../../pki/catalogue.ts';
import { StartupError } from '../../startup-error.ts';
import { keyFile, readAuthority } from '../certificates.ts';
import type { InstallContext } from '../phase.ts';
import { CERTS_SECRET, sharedTexts } from '../shared-certificates.ts';
import { ensureFile } from '../written.ts';

const NEW_UPLOAD =
  "run 'keelson init phase upload-certs --upload-certs' on a machine of the control plane, and give the key that it shows";

/**
 * Writes what the cluster keeps for those who join its control plane.
 * @param key the certificate key
 * @throws StartupError where it is there no more, or the key is another
 */
export async function downloadShared(client: Client, context: InstallContext, key: string): Promise<void> {
  const secret = await readSecret(client);
  const texts = readTexts(() => sharedTexts(secret, context.configuration.cluster, key));
  for (const [path, text] of texts)
    if (!isKeyOrCertificate(text))
      throw new StartupError(`unknown data found in Secret entry: what belongs to ${path}`, NEW_UPLOAD);
  for (const [path, text] of texts)
    await ensureFile(context, 'download-certs', path, text, path.endsWith('.key') ? 0o600 : 0o644);
}

async function readSecret(client: Client) {
  try {
    return await client.resource('secrets').get(CERTS_SECRET);
  } catch (error) {
    const { namespace, name } = CERTS_SECRET;
    const why = hasReason(error, 'NotFound')
      ? `Secret "${name}" was not found in the "${namespace}" Namespace. This Secret might have expired`
      : (error as Error).message;
    throw new StartupError(`error downloading certs: ${why}`, NEW_UPLOAD);
  }
}

function readTexts(read: () => Map<string, string>): Map<string, string> {
  try {
    return read();
  } catch (error) {
    throw new StartupError(
      `error downloading certs: error decoding secret data with provided key: ${(error as Error).message}`,
      `check --certificate-key; where it is lost, ${NEW_UPLOAD}`,
    );
  }
}

function isKeyOrCertificate(text: string): boolean {
  const readers = [() => new X509Certificate(text), () => createPrivateKey(text), () => createPublicKey(text)];
  return readers.some((read) => {
    try {
      read();
      return true;
    } catch {
      return false;
    }
  });
}

/** Nothing is made anew that has to be the same on all machines. @throws StartupError naming what is missing */
export async function expectShared({ files, configuration }: InstallContext): Promise<void> {
  const { cluster } = configuration;
  const authorities: AuthorityFile[] = ['ca', 'front-proxy-ca', ...(cluster.etcd.local ? (['etcd/ca'] as const) : [])];
  try {
    for (const authority of authorities) await readAuthority(files, cluster, authority);
    const path = keyFile(cluster, 'sa');
    if (!(await files.exists(path))) throw new Error(`the key ${path} is not there`);
  } catch (error) {
    throw new StartupError(
      `the certificates that must be shared among control plane instances are not provided: ${(error as Error).message}`,
      `give --certificate-key (${NEW_UPLOAD}), or copy them from there`,
    );
  }
}
