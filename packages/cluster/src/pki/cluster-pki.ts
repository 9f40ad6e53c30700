import { join } from 'node:path';
import { readIfExists, writeFileAtomic } from '@keelson/component/files';
import { StartupError } from '../startup-error.ts';
import { type AuthorityFile, authorities, certificates } from './catalogue.ts';
import {
  type CertificateProfile,
  createAuthority,
  createSigningKey,
  day,
  isCurrent,
  isCurrentAuthority,
  issue,
  type KeyPair,
  publicKeyOf,
} from './certificate.ts';

/** How long before its end a certificate is replaced. */
const renewalMargin = 30 * day;

type AuthorityName = Exclude<AuthorityFile, 'etcd/ca'>;

/** What certificates say that differs from cluster to cluster. */
interface Names {
  readonly servingNames: readonly string[];
  readonly nodeName: string;
}

interface Leaf {
  readonly authority: AuthorityName;
  profile(names: Names): CertificateProfile;
}

const signedByCa = (profile: Leaf['profile']): Leaf => ({ authority: 'ca', profile });

/** One that every control plane has. */
function common(name: string, organizations: readonly string[] = []): Leaf {
  const { authority, profile } = certificates.find((definition) => definition.name === name)!;
  return {
    authority: authority as AuthorityName,
    profile: ({ nodeName, servingNames }) => ({
      ...profile({ nodeName, apiserver: servingNames, etcdServer: [], etcdPeer: [] }),
      organizations,
    }),
  };
}

/** All parts are in one process here, so what kubeadm has in kubeconfigs has files of its own. */
const leaves = {
  apiserver: common('apiserver'),
  'apiserver-kubelet-client': common('apiserver-kubelet-client', ['system:masters']),
  'front-proxy-client': common('front-proxy-client'),
  kubelet: signedByCa(({ servingNames }) => ({ commonName: 'kubelet', usage: 'server', names: servingNames })),
  'kubelet-client': signedByCa(({ nodeName }) => ({
    commonName: `system:node:${nodeName}`,
    organizations: ['system:nodes'],
    usage: 'client',
  })),
  'kube-controller-manager': signedByCa(() => ({ commonName: 'system:kube-controller-manager', usage: 'client' })),
  'kube-proxy': signedByCa(() => ({ commonName: 'system:kube-proxy', usage: 'client' })),
  // Whom upstream's role of name servers is given to.
  'kube-dns': signedByCa(() => ({ commonName: 'system:serviceaccount:kube-system:kube-dns', usage: 'client' })),
  'pod-network': signedByCa(() => ({
    commonName: 'system:serviceaccount:kube-system:keelson-pod-network',
    usage: 'client',
  })),
  'kube-scheduler': signedByCa(() => ({ commonName: 'system:kube-scheduler', usage: 'client' })),
  admin: signedByCa(() => ({ commonName: 'kubernetes-admin', organizations: ['system:masters'], usage: 'client' })),
} as const satisfies Record<string, Leaf>;

export type LeafName = keyof typeof leaves;

/** The files of a cluster's keys and certificates, laid out and named as kubeadm does, all readable by the owner alone. */
export class ClusterPki {
  readonly directory: string;
  constructor(directory: string) {
    this.directory = directory;
  }

  certificateFile(name: AuthorityName | LeafName): string {
    return join(this.directory, `${name}.crt`);
  }

  keyFile(name: AuthorityName | LeafName): string {
    return join(this.directory, `${name}.key`);
  }

  /** RSA private key that signs service account tokens. */
  get serviceAccountKeyFile(): string {
    return join(this.directory, 'sa.key');
  }

  get serviceAccountPublicKeyFile(): string {
    return join(this.directory, 'sa.pub');
  }

  /** @returns undefined when one of the two files is missing */
  async read(name: AuthorityName | LeafName): Promise<KeyPair | undefined> {
    const [certificate, key] = await Promise.all([
      readIfExists(this.certificateFile(name)),
      readIfExists(this.keyFile(name)),
    ]);
    return certificate === undefined || key === undefined ? undefined : { certificate, key };
  }

  /** The key goes first: a certificate without its key would look like an authority kept elsewhere. */
  async write(name: AuthorityName | LeafName, pair: KeyPair): Promise<void> {
    await writeFileAtomic(this.keyFile(name), pair.key);
    await writeFileAtomic(this.certificateFile(name), pair.certificate);
  }
}

/**
 * Makes what is missing of a cluster's keys and certificates and renews what ends within 30 days, what was signed by
 * another authority, or what lacks one of `servingNames`; keeps all else. An authority is renewed with its old key, so
 * that what it signed stays valid.
 * @param servingNames DNS names and IP addresses that clients reach the API server by
 * @param nodeName of this machine's node
 * @throws StartupError where something has to be signed, and its authority's key is kept elsewhere
 */
export async function ensureClusterPki(
  pki: ClusterPki,
  servingNames: readonly string[],
  nodeName: string,
  now: Date,
): Promise<void> {
  const [ca, frontProxy] = await Promise.all([
    ensureAuthority(pki, 'ca', now),
    ensureAuthority(pki, 'front-proxy-ca', now),
  ]);
  const signers = { ca, 'front-proxy-ca': frontProxy };
  await Promise.all([
    ensureServiceAccountKeys(pki),
    ...(Object.keys(leaves) as LeafName[]).map((name) =>
      ensureLeaf(pki, name, signers, { servingNames, nodeName }, now),
    ),
  ]);
}

/** Names by which clients on this machine and in the cluster reach the API server, the service's address first. */
export function servingNames(serviceAddress: string, others: readonly string[]): string[] {
  const service = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
  ];
  return [...new Set([...service, serviceAddress, 'localhost', '127.0.0.1', '::1', ...others])];
}

async function ensureAuthority(pki: ClusterPki, name: AuthorityName, now: Date): Promise<Signer> {
  const pair = await pki.read(name);
  if (pair !== undefined && isCurrentAuthority(pair, now, renewalMargin)) return pair;
  const key = await readIfExists(pki.keyFile(name));
  const certificate = await readIfExists(pki.certificateFile(name));
  if (key === undefined && certificate !== undefined) return { certificate };
  const made = await createAuthority(authorities[name].commonName, now, { key });
  await pki.write(name, made);
  return made;
}

/** An authority; one without its key can vouch for what it signed before, and sign nothing. */
type Signer = KeyPair | { readonly certificate: string; readonly key?: undefined };

async function ensureLeaf(
  pki: ClusterPki,
  name: LeafName,
  signers: Record<AuthorityName, Signer>,
  names: Names,
  now: Date,
): Promise<void> {
  const { authority, profile: profileOf } = leaves[name];
  const profile = profileOf(names);
  const signer = signers[authority];
  const pair = await pki.read(name);
  if (pair !== undefined && isCurrent(pair, profile, signer.certificate, now, renewalMargin)) return;
  if (signer.key === undefined) {
    throw new StartupError(
      `${pki.certificateFile(name)} must be made anew, but ${pki.keyFile(authority)}, which has to sign it, is missing`,
      `restore that key, or remove ${pki.directory} to start with a new authority`,
    );
  }
  await pki.write(name, await issue(profile, signer, now));
}

/** Where the private key is gone, a new one takes over; tokens that the old one signed stay valid. */
async function ensureServiceAccountKeys(pki: ClusterPki): Promise<void> {
  const [key, publicKeys] = await Promise.all([
    readIfExists(pki.serviceAccountKeyFile),
    readIfExists(pki.serviceAccountPublicKeyFile),
  ]);
  if (key !== undefined && publicKeys !== undefined) return;
  const signing = key ?? (await createSigningKey('RSA-2048'));
  // The public key goes first: a private one without it would be taken for whole.
  await writeFileAtomic(pki.serviceAccountPublicKeyFile, publicKeyOf(signing) + (publicKeys ?? ''));
  if (key === undefined) await writeFileAtomic(pki.serviceAccountKeyFile, signing);
}
