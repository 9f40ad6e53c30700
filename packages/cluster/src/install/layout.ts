/** Where an installed control plane has its files: kubeadm's layout, seen from the machine that it runs on. */
import { join, resolve } from 'node:path';

export const KUBERNETES_DIR = '/etc/kubernetes';
export const CERTIFICATES_DIR = '/etc/kubernetes/pki';
export const MANIFESTS_DIR = '/etc/kubernetes/manifests';
export const KUBELET_DIR = '/var/lib/kubelet';
export const ETCD_DATA_DIR = '/var/lib/etcd';
export const UNITS_DIR = '/etc/systemd/system';

/** The kubeconfigs that init writes. */
export const KUBECONFIG_FILES = {
  admin: '/etc/kubernetes/admin.conf',
  'super-admin': '/etc/kubernetes/super-admin.conf',
  kubelet: '/etc/kubernetes/kubelet.conf',
  'controller-manager': '/etc/kubernetes/controller-manager.conf',
  scheduler: '/etc/kubernetes/scheduler.conf',
} as const;

export type KubeconfigName = keyof typeof KUBECONFIG_FILES;

/** What a node that joins has until it has its own certificate. */
export const BOOTSTRAP_KUBECONFIG = '/etc/kubernetes/bootstrap-kubelet.conf';
export const KUBELET_CONFIGURATION = `${KUBELET_DIR}/config.yaml`;
export const KUBELET_INSTANCE_CONFIGURATION = `${KUBELET_DIR}/instance-config.yaml`;
export const KUBELET_ENVIRONMENT = `${KUBELET_DIR}/kubeadm-flags.env`;

/** The parts of a control plane, which are the names of their manifests and units too. */
export const CONTROL_PLANE = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;
export type ControlPlaneComponent = (typeof CONTROL_PLANE)[number];
export type StaticPodName = ControlPlaneComponent | 'etcd';

/** What belongs to a cluster beside its control plane, by the names that it has on a machine which runs it by a unit. */
export const ADDONS = ['kube-proxy', 'keelson-dns', 'keelson-pod-network'] as const;
export type AddonName = (typeof ADDONS)[number];

/** What an addon reads on a machine, and in its pods. */
export const addonFolder = (name: AddonName) => `/var/lib/${name}`;

export const manifestFile = (name: StaticPodName) => `${MANIFESTS_DIR}/${name}.yaml`;
export const unitFile = (name: StaticPodName | AddonName | 'kubelet') => `${UNITS_DIR}/${name}.service`;

/** Where distributions keep the authorities that a machine trusts; files of the first point into the others. */
export const TRUST_FOLDERS = [
  '/etc/ssl/certs',
  '/etc/pki/ca-trust',
  '/etc/pki/tls/certs',
  '/etc/ca-certificates',
  '/usr/share/ca-certificates',
  '/usr/local/share/ca-certificates',
];

export interface LayoutOptions {
  /** The folder that is the machine's root; empty for this machine. */
  readonly root?: string;
  /** Whether what is below `root` runs on this machine, whose root is another. */
  readonly runHere?: boolean;
}

/**
 * Every path here and in what is written is one of the machine's, from its root on. A layout says where this process finds
 * it, and how whoever opens it on the machine names it: with `runHere` that machine is this one, and the root a mere folder.
 */
export class Layout {
  /** Absolute, or empty for this machine's own. */
  readonly root: string;
  readonly runHere: boolean;

  constructor({ root = '', runHere = false }: LayoutOptions = {}) {
    this.root = root === '' || resolve(root) === '/' ? '' : resolve(root);
    this.runHere = runHere;
  }

  /** Whether what is installed can be started and spoken to from here. */
  get isThisMachine(): boolean {
    return this.root === '' || this.runHere;
  }

  /** Where this process finds a file of the machine. */
  local(path: string): string {
    return this.root === '' ? path : join(this.root, path);
  }

  /** Where this process finds a file of the machine that is no part of the installation. */
  machine(path: string): string {
    return this.runHere ? path : this.local(path);
  }

  /** How a process of the machine names the file, outside of containers. */
  host(path: string): string {
    return this.runHere ? this.local(path) : path;
  }
}
