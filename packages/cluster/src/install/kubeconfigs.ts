/** The kubeconfigs of an installation: who speaks to which API server with which certificate (kubeadm/app/phases/kubeconfig). */
import { dirname } from 'node:path';
import { encodeYaml } from '@keelson/api/codec/yaml';
import { type ClusterConfig, KubeconfigError, parseKubeconfig } from '@keelson/client';
import { type CertificateProfile, issue, type KeyPair } from '../pki/certificate.ts';
import { inspect } from '../pki/inspect.ts';
import { StartupError } from '../startup-error.ts';
import { certificateFile, issueOptions, keyFile, readAuthority } from './certificates.ts';
import { controlPlaneUrl, localUrl } from './configuration/endpoints.ts';
import type { Configuration } from './configuration/types.ts';
import { KUBECONFIG_FILES, type KubeconfigName } from './layout.ts';
import type { InstallContext } from './phase.ts';

/** Whoever is of this group may do all, once init has bound it to cluster-admin. */
export const ADMINISTRATORS = 'kubeadm:cluster-admins';

interface Definition {
  readonly summary: string;
  readonly server: (configuration: Configuration) => string;
  readonly profile: (configuration: Configuration) => CertificateProfile;
}

const shared = ({ cluster, init }: Configuration) => controlPlaneUrl(cluster, init.localApiEndpoint);
const local = ({ init }: Configuration) => localUrl(init.localApiEndpoint);
const client = (commonName: string, ...organizations: string[]): CertificateProfile => ({
  commonName,
  organizations,
  usage: 'client',
});

export const kubeconfigs: Readonly<Record<KubeconfigName, Definition>> = {
  admin: {
    summary: 'the administrator',
    server: shared,
    profile: () => client('kubernetes-admin', ADMINISTRATORS),
  },
  'super-admin': {
    summary: 'an administrator whom no rule of RBAC binds; for emergencies',
    server: shared,
    profile: () => client('kubernetes-super-admin', 'system:masters'),
  },
  kubelet: {
    summary: "this machine's kubelet",
    server: shared,
    profile: ({ init }) => client(`system:node:${init.nodeRegistration.name}`, 'system:nodes'),
  },
  'controller-manager': {
    summary: 'the controller manager',
    server: local,
    profile: () => client('system:kube-controller-manager'),
  },
  scheduler: { summary: 'the scheduler', server: local, profile: () => client('system:kube-scheduler') },
};

export const EXEC_API = 'client.authentication.k8s.io/v1';

/** What a user is known by. */
export type Credentials = KeyPair | { readonly token: string } | { readonly file: string };

/** A program that tells credentials when they are needed (client.authentication.k8s.io/v1). */
export interface CredentialProgram {
  readonly command: string;
  readonly args: readonly string[];
}

/** A user's access to a cluster, as kubectl and all components read it. PEM texts. */
export interface KubeconfigContent {
  readonly clusterName: string;
  readonly server: string;
  readonly certificateAuthority: string;
  readonly user: string;
  /** A key alone: its certificate is to be added. */
  readonly credentials: Credentials | { readonly key: string } | { readonly exec: CredentialProgram };
}

/** The text of a kubeconfig with one cluster, one user, and a context named `user@cluster`. */
export function kubeconfigText({
  clusterName,
  server,
  certificateAuthority,
  user,
  credentials,
}: KubeconfigContent): string {
  const context = `${user}@${clusterName}`;
  return encodeYaml({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: clusterName, cluster: { server, 'certificate-authority-data': base64(certificateAuthority) } }],
    users: [{ name: user, user: encodeCredentials(credentials) }],
    contexts: [{ name: context, context: { cluster: clusterName, user } }],
    'current-context': context,
  }).toString();
}

function encodeCredentials(credentials: KubeconfigContent['credentials']) {
  if ('token' in credentials) return credentials;
  if ('exec' in credentials)
    return { exec: { apiVersion: EXEC_API, ...credentials.exec, env: null, interactiveMode: 'Never' } };
  if ('file' in credentials) return { 'client-certificate': credentials.file, 'client-key': credentials.file };
  if (!('certificate' in credentials)) return { 'client-key-data': base64(credentials.key) };
  return {
    'client-certificate-data': base64(credentials.certificate),
    'client-key-data': base64(credentials.key),
  };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

/**
 * Writes a kubeconfig with a certificate of its own where there is none.
 * @throws StartupError where the one that is there trusts another authority, or the authority cannot sign
 */
export async function ensureKubeconfig(context: InstallContext, name: KubeconfigName): Promise<void> {
  const { files, configuration, layout, report, clock } = context;
  const { cluster } = configuration;
  const path = KUBECONFIG_FILES[name];
  const { server, profile } = kubeconfigs[name];
  const authority = await readAuthority(files, cluster, 'ca');
  const existing = await files.read(path);
  if (existing !== undefined) {
    const config = readExisting(path, existing);
    await checkTrust(context, path, config, authority.certificate);
    if (config.server !== server(configuration))
      report(`[kubeconfig] WARNING: ${path} speaks to ${config.server}, not to ${server(configuration)}`);
    report(`[kubeconfig] kept ${layout.local(path)}`);
    return;
  }
  if (authority.key === undefined)
    throw new StartupError(
      `${path} is missing, and ${keyFile(cluster, 'ca')}, which would sign its certificate, is kept elsewhere`,
      'put a kubeconfig with a certificate signed there in its place',
    );
  const wanted = profile(configuration);
  const credentials = await issue(wanted, authority, new Date(clock.now()), issueOptions(cluster));
  const text = kubeconfigText({
    clusterName: cluster.clusterName,
    server: server(configuration),
    certificateAuthority: authority.certificate,
    user: wanted.commonName,
    credentials,
  });
  await files.write(path, text);
  report(`[kubeconfig] wrote ${layout.local(path)}: ${wanted.commonName} at ${server(configuration)}`);
}

function readExisting(path: string, text: string): ClusterConfig {
  try {
    return parseKubeconfig(text, dirname(path));
  } catch (error) {
    if (!(error instanceof KubeconfigError)) throw error;
    throw new StartupError(`${path} is of no use: ${error.message}`, 'remove it to have it made anew');
  }
}

async function checkTrust(
  { files, configuration }: InstallContext,
  path: string,
  { tls }: ClusterConfig,
  authority: string,
): Promise<void> {
  const trusted = tls.ca && ('text' in tls.ca ? tls.ca.text : await files.read(tls.ca.file));
  const [own] = certificatesOf(authority);
  if (trusted !== undefined && own !== undefined && certificatesOf(trusted).includes(own)) return;
  throw new StartupError(
    `${path} is there, but does not trust ${certificateFile(configuration.cluster, 'ca')}`,
    'remove it to have it made anew',
  );
}

const certificatesOf = (pem: string) =>
  pem.match(/-----BEGIN CERTIFICATE-----[^-]*/g)?.map((text) => text.replaceAll(/\s/g, '')) ?? [];

/** The certificate that a kubeconfig holds; undefined where it is in another file, or there is none. @throws KubeconfigError */
export function clientCertificateOf(text: string, path: string): KeyPair | undefined {
  const { certificate, key } = parseKubeconfig(text, dirname(path)).tls;
  if (!certificate || !key || !('text' in certificate) || !('text' in key)) return undefined;
  inspect(certificate.text);
  return { certificate: certificate.text, key: key.text };
}
