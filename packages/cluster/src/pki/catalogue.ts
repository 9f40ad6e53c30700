/** The certificates of a control plane: kubeadm's names, files, subjects and uses (kubeadm/app/phases/certs/certlist.go). */
import type { CertificateProfile } from './certificate.ts';

/** Common names by the file, without its ending, below the folder of certificates. */
export const authorities = {
  ca: { commonName: 'kubernetes', summary: 'the authority that everyone in the cluster is known by' },
  'front-proxy-ca': {
    commonName: 'front-proxy-ca',
    summary: "the authority of the API server's calls to extension servers",
  },
  'etcd/ca': { commonName: 'etcd-ca', summary: 'the authority of etcd and its clients' },
} as const;
export type AuthorityFile = keyof typeof authorities;

/** What certificates say that differs from machine to machine. */
export interface MachineNames {
  readonly nodeName: string;
  readonly apiserver: readonly string[];
  readonly etcdServer: readonly string[];
  readonly etcdPeer: readonly string[];
}

export interface CertificateDefinition {
  /** How commands name it. */
  readonly name: string;
  /** Without its ending, below the folder of certificates. */
  readonly file: string;
  readonly authority: AuthorityFile;
  /** What it is for: a noun phrase. */
  readonly summary: string;
  profile(names: MachineNames): CertificateProfile;
}

/** In the order in which they are made. */
export const certificates: readonly CertificateDefinition[] = [
  {
    name: 'apiserver',
    file: 'apiserver',
    authority: 'ca',
    summary: 'certificate that the API server shows its clients',
    profile: ({ apiserver }) => ({ commonName: 'kube-apiserver', usage: 'server', names: apiserver }),
  },
  {
    name: 'apiserver-kubelet-client',
    file: 'apiserver-kubelet-client',
    authority: 'ca',
    summary: 'certificate by which kubelets know the API server',
    profile: () => ({ commonName: 'kube-apiserver-kubelet-client', usage: 'client' }),
  },
  {
    name: 'front-proxy-client',
    file: 'front-proxy-client',
    authority: 'front-proxy-ca',
    summary: 'certificate by which extension servers know the API server',
    profile: () => ({ commonName: 'front-proxy-client', usage: 'client' }),
  },
  {
    name: 'etcd-server',
    file: 'etcd/server',
    authority: 'etcd/ca',
    summary: 'certificate that etcd shows its clients',
    profile: ({ nodeName, etcdServer }) => ({ commonName: nodeName, usage: 'peer', names: etcdServer }),
  },
  {
    name: 'etcd-peer',
    file: 'etcd/peer',
    authority: 'etcd/ca',
    summary: 'certificate by which members of etcd know each other',
    profile: ({ nodeName, etcdPeer }) => ({ commonName: nodeName, usage: 'peer', names: etcdPeer }),
  },
  {
    name: 'etcd-healthcheck-client',
    file: 'etcd/healthcheck-client',
    authority: 'etcd/ca',
    summary: 'certificate of who asks etcd how it is',
    profile: () => ({ commonName: 'kube-etcd-healthcheck-client', usage: 'client' }),
  },
  {
    name: 'apiserver-etcd-client',
    file: 'apiserver-etcd-client',
    authority: 'etcd/ca',
    summary: 'certificate by which etcd knows the API server',
    profile: () => ({ commonName: 'kube-apiserver-etcd-client', usage: 'client' }),
  },
];
