import { join } from 'node:path';
import { readIfExists, writeFileAtomic } from '@keelson/component/files';
import { createAuthority, issue, type KeyPair } from './certificate.ts';

/** Where a serving certificate and its key are. */
export interface ServingFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * What kube-apiserver does when no --tls-cert-file is given: uses apiserver.crt and apiserver.key of --cert-dir, and
 * makes them first when both are missing (apiserver/pkg/server/options, MaybeDefaultWithSelfSignedCerts).
 * @param host the advertised address, which names the certificate
 * @param names further DNS names and IP addresses
 * @param component whose certificate it is: `kubelet` has kubelet.crt and kubelet.key
 * @throws Error when one of the files is there without the other
 */
export async function ensureServingCertificate(
  directory: string,
  host: string,
  names: readonly string[],
  now: Date,
  component = 'apiserver',
): Promise<ServingFiles> {
  const files = { certFile: join(directory, `${component}.crt`), keyFile: join(directory, `${component}.key`) };
  const [certificate, key] = await Promise.all([readIfExists(files.certFile), readIfExists(files.keyFile)]);
  if ((certificate === undefined) !== (key === undefined)) {
    const missing = certificate === undefined ? files.certFile : files.keyFile;
    throw new Error(`error reading ${missing}, certificate and key must be supplied as a pair`);
  }
  if (certificate === undefined) {
    const pair = await createSelfSigned(host, names, now);
    await writeFileAtomic(files.keyFile, pair.key);
    await writeFileAtomic(files.certFile, pair.certificate);
  }
  return files;
}

/** A serving certificate with the authority made for it behind it; nobody keeps that authority's key. */
export async function createSelfSigned(host: string, names: readonly string[], now: Date): Promise<KeyPair> {
  const seconds = Math.floor(now.getTime() / 1000);
  const authority = await createAuthority(`${host}-ca@${seconds}`, now);
  const profile = { commonName: `${host}@${seconds}`, usage: 'server', names: [...new Set([host, ...names])] } as const;
  const leaf = await issue(profile, authority, now);
  return { certificate: leaf.certificate + authority.certificate, key: leaf.key };
}
