/** The certificates of an installation: made where they are missing, kept where they are there. */
import { addressAt, parseCidr } from '../cidr.ts';
import { type AuthorityFile, authorities, type CertificateDefinition, type MachineNames } from '../pki/catalogue.ts';
import {
  canonicalName,
  createAuthority,
  createSigningKey,
  type IssueOptions,
  issue,
  type KeyPair,
  publicKeyOf,
} from '../pki/certificate.ts';
import { inspect, isSignedBy, keyFits } from '../pki/inspect.ts';
import { StartupError } from '../startup-error.ts';
import { splitHostPort } from './configuration/endpoints.ts';
import type { ClusterConfiguration, Configuration } from './configuration/types.ts';
import type { Files } from './files.ts';
import type { InstallContext } from './phase.ts';

/** An authority; one whose key is kept elsewhere vouches for what it signed, and signs nothing. */
export type Authority = KeyPair | { readonly certificate: string; readonly key?: undefined };

/** The names that this machine's certificates carry (kubeadm/app/util/pkiutil GetAPIServerAltNames and its like). */
export function machineNames({ init, cluster }: Configuration): MachineNames {
  const { name } = init.nodeRegistration;
  const { advertiseAddress } = init.localApiEndpoint;
  const { serviceSubnet, dnsDomain } = cluster.networking;
  const services = parseCidr(serviceSubnet.split(',')[0]!);
  const shared = splitHostPort(cluster.controlPlaneEndpoint);
  const etcd = [name, 'localhost', advertiseAddress, '127.0.0.1', '::1'];
  return {
    nodeName: name,
    apiserver: unique([
      name,
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      `kubernetes.default.svc.${dnsDomain}`,
      ...(services ? [addressAt(services, 1)] : []),
      advertiseAddress,
      ...(shared ? [shared.host] : []),
      ...cluster.apiServer.certSans,
    ]),
    etcdServer: unique([...etcd, ...(cluster.etcd.local?.serverCertSans ?? [])]),
    etcdPeer: unique([...etcd, ...(cluster.etcd.local?.peerCertSans ?? [])]),
  };
}

const unique = (names: readonly string[]) => [...new Set(names)].sort();

/** How keys and lifetimes are chosen. */
export function issueOptions(cluster: ClusterConfiguration): IssueOptions {
  return { algorithm: cluster.encryptionAlgorithm, lifetimeMs: cluster.certificateValidityMs };
}

export const certificateFile = (cluster: ClusterConfiguration, file: string) =>
  `${cluster.certificatesDir}/${file}.crt`;
export const keyFile = (cluster: ClusterConfiguration, file: string) => `${cluster.certificatesDir}/${file}.key`;

/** @throws StartupError where the authority is not there, with the phase that makes it */
export async function readAuthority(
  files: Files,
  cluster: ClusterConfiguration,
  file: AuthorityFile,
): Promise<Authority> {
  const path = certificateFile(cluster, file);
  const certificate = await files.read(path);
  if (certificate === undefined)
    throw new StartupError(
      `the authority ${path} is not there`,
      `run 'keelson init phase certs ${authorityPhase(file)}' first, or restore it`,
    );
  const key = await files.read(keyFile(cluster, file));
  const authority = key === undefined ? { certificate } : { certificate, key };
  checkAuthority(path, authority);
  return authority;
}

export const authorityPhase = (file: AuthorityFile) => (file === 'etcd/ca' ? 'etcd-ca' : file);

function checkAuthority(path: string, authority: Authority): void {
  if (!readable(path, () => inspect(authority.certificate)).isAuthority)
    throw new StartupError(`${path} is no certificate of an authority`, 'put the right one there, or remove it');
  if (authority.key !== undefined && !keyFits(authority))
    throw new StartupError(`${path} and its key do not belong together`, 'put the right pair there, or remove both');
}

/** Makes an authority where there is none. */
export async function ensureAuthority(context: InstallContext, file: AuthorityFile): Promise<void> {
  const { files, layout, report, configuration, clock } = context;
  const { cluster } = configuration;
  const [path, keyPath] = [certificateFile(cluster, file), keyFile(cluster, file)];
  if (await files.exists(path)) {
    const { key, certificate } = await readAuthority(files, cluster, file);
    warnOfPeriod(context, file, certificate);
    report(`[certs] kept ${layout.local(path)}${key === undefined ? '; its key is elsewhere' : ''}`);
    return;
  }
  if (await files.exists(keyPath))
    throw new StartupError(
      `${keyPath} is there without ${path}`,
      'restore the certificate, or remove the key to have both made',
    );
  const made = await createAuthority(authorities[file].commonName, new Date(clock.now()), {
    algorithm: cluster.encryptionAlgorithm,
    lifetimeMs: cluster.caCertificateValidityMs,
  });
  await writePair(context, file, made);
  reportMade(context, path, made.certificate);
}

/**
 * Makes a certificate where there is none.
 * @throws StartupError where the one that is there does not do, or the authority's key is kept elsewhere
 */
export async function ensureCertificate(context: InstallContext, definition: CertificateDefinition): Promise<void> {
  const { files, layout, report, configuration, clock } = context;
  const { cluster } = configuration;
  const { file } = definition;
  const authority = await readAuthority(files, cluster, definition.authority);
  const profile = definition.profile(machineNames(configuration));
  const path = certificateFile(cluster, file);
  const existing = await readPair(files, cluster, file);
  if (existing !== undefined) {
    checkLeaf(path, existing, certificateFile(cluster, definition.authority), authority.certificate);
    warnOfPeriod(context, file, existing.certificate);
    warnOfNames(context, file, existing.certificate, profile.names ?? []);
    report(`[certs] kept ${layout.local(path)}`);
    return;
  }
  if (authority.key === undefined)
    throw new StartupError(
      `${path} is missing, and ${keyFile(cluster, definition.authority)}, which would sign it, is kept elsewhere`,
      'have it signed there and put it here with its key, or bring the key of the authority',
    );
  const made = await issue(profile, authority, new Date(clock.now()), issueOptions(cluster));
  await writePair(context, file, made);
  reportMade(context, path, made.certificate);
}

function reportMade({ report, layout }: InstallContext, path: string, certificate: string): void {
  const { commonName, organizations, dnsNames, addresses, notAfter } = inspect(certificate);
  const who = [commonName, ...organizations.map((name) => `of ${name}`)].join(' ');
  const names = [...dnsNames, ...addresses].filter((name) => name !== commonName);
  report(
    `[certs] wrote ${layout.local(path)} and its key: ${who}, until ${notAfter.toISOString().slice(0, 10)}${names.length === 0 ? '' : `, for ${names.join(', ')}`}`,
  );
}

/** @throws StartupError where one of the two files is missing */
async function readPair(files: Files, cluster: ClusterConfiguration, file: string): Promise<KeyPair | undefined> {
  const [path, keyPath] = [certificateFile(cluster, file), keyFile(cluster, file)];
  const [certificate, key] = [await files.read(path), await files.read(keyPath)];
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined) {
    const [there, missing] = certificate === undefined ? [keyPath, path] : [path, keyPath];
    throw new StartupError(`${there} is there without ${missing}`, 'restore it, or remove both to have them made');
  }
  return { certificate, key };
}

function checkLeaf(path: string, pair: KeyPair, authorityPath: string, authority: string): void {
  if (!readable(path, () => isSignedBy(pair.certificate, authority)))
    throw new StartupError(`${path} is not signed by ${authorityPath}`, 'remove it and its key to have them made anew');
  if (!keyFits(pair))
    throw new StartupError(`${path} and its key do not belong together`, 'remove both to have them made anew');
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new StartupError(
      `${path} is no certificate: ${(error as Error).message}`,
      'restore it, or remove it with its key',
    );
  }
}

/** The key goes first: a certificate without its key would look like an authority whose key is kept elsewhere. */
export async function writePair({ files, configuration }: InstallContext, file: string, pair: KeyPair): Promise<void> {
  await files.write(keyFile(configuration.cluster, file), pair.key);
  await files.write(certificateFile(configuration.cluster, file), pair.certificate, 0o644);
}

function warnOfPeriod({ report, clock }: InstallContext, file: string, certificate: string): void {
  const { notBefore, notAfter } = inspect(certificate);
  const now = clock.now();
  if (notAfter.getTime() < now)
    report(`[certs] WARNING: ${file} ended at ${notAfter.toISOString()}: see 'keelson certs renew'`);
  else if (notBefore.getTime() > now) report(`[certs] WARNING: ${file} is not valid before ${notBefore.toISOString()}`);
}

function warnOfNames({ report }: InstallContext, file: string, certificate: string, wanted: readonly string[]): void {
  const { dnsNames, addresses } = inspect(certificate);
  const has = new Set([...dnsNames, ...addresses]);
  const missing = wanted.filter((name) => !has.has(canonicalName(name)));
  if (missing.length > 0)
    report(
      `[certs] WARNING: the existing ${file} is not signed for ${missing.join(', ')}: remove it to have it made anew`,
    );
}

/** The key pair that tokens of service accounts are signed and checked by. */
export async function ensureServiceAccountKeys(context: InstallContext): Promise<void> {
  const { files, layout, report, configuration } = context;
  const { cluster } = configuration;
  const path = keyFile(cluster, 'sa');
  let key = await files.read(path);
  if (key !== undefined) report(`[certs] kept ${layout.local(path)}`);
  else {
    key = await createSigningKey(cluster.encryptionAlgorithm);
    await files.write(path, key);
    report(`[certs] wrote ${layout.local(path)}: it signs the tokens of service accounts`);
  }
  const publicPath = `${cluster.certificatesDir}/sa.pub`;
  if (!(await files.exists(publicPath))) await files.write(publicPath, publicKeyOf(key));
}
