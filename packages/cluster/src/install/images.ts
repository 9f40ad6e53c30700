/** What the images of a control plane are called: by who builds them (scripts/image.ts), and by the manifests that run them. */
import { KUBERNETES_VERSION } from '@keelson/component/version';
import type { ClusterConfiguration } from './configuration/types.ts';

/** Where Keelson's own images are said to come from: nowhere, they are brought to the machine. */
export const IMAGE_REPOSITORY = 'localhost/keelson';

/** Names of the images, which are those of the programs in them. */
export type ImageName =
  | 'dns'
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-proxy'
  | 'kube-scheduler'
  | 'pause'
  | 'pod-network';

/** Whom the images run as where a manifest does not say: nobody who owns anything on the machine. */
export const IMAGE_USER = 65532;

/** kubeadm's etcd for this version; what a repository other than Keelson's own has. */
const UPSTREAM_ETCD_TAG = '3.6.8-0';

/** kubeadm's CoreDNS for this version. */
const COREDNS_TAG = 'v1.14.2';

/** @param tag empty: kubeadm's. The official repository has it in a folder of its own (kubeadm/app/images/images.go) */
export const coreDnsImage = (repository: string, tag: string) =>
  `${repository}${repository === 'registry.k8s.io' ? '/coredns' : ''}/coredns:${tag || COREDNS_TAG}`;

/**
 * The name of an image in full (kubeadm/app/images/images.go).
 * @param repository of the configuration, or of this image alone; empty: Keelson's own
 * @param tag empty: that of this release. Keelson's etcd is tagged as the rest is, whichever etcd that is
 */
export function imageName(name: ImageName, repository = '', tag = ''): string {
  const own = isOwnRepository(repository);
  const release = name === 'etcd' && !own ? UPSTREAM_ETCD_TAG : KUBERNETES_VERSION.gitVersion.replace(/[+].*$/, '');
  return `${own ? IMAGE_REPOSITORY : repository}/${name}:${tag || release}`;
}

/** Whether the images are Keelson's. */
export const isOwnRepository = (repository: string) => repository === '' || repository === IMAGE_REPOSITORY;

/** Of a part of Kubernetes. Keelson's own images are those of this release, whichever patch of 1.36 the configuration names. */
export function kubernetesImage(
  name: ImageName,
  { imageRepository, kubernetesVersion }: Pick<ClusterConfiguration, 'imageRepository' | 'kubernetesVersion'>,
): string {
  return imageName(name, imageRepository, isOwnRepository(imageRepository) ? '' : kubernetesVersion);
}
