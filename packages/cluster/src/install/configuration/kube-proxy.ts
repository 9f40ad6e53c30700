/** The KubeProxyConfiguration that an installation gives its proxies (kubeadm/app/componentconfigs/kubeproxy.go). */
import { isIPv6 } from 'node:net';
import { isOwnRepository } from '../images.ts';
import { addonFolder } from '../layout.ts';
import { addressOf } from './endpoints.ts';
import type { ClusterConfiguration, InitConfiguration, KubeProxyDocument } from './types.ts';

/** Beside the configuration, in a pod and on a machine. */
const KUBECONFIG = `${addonFolder('kube-proxy')}/kubeconfig.conf`;

/** The given document with defaults where it says nothing. @param given undefined: all is default */
export function defaultKubeProxy(
  given: KubeProxyDocument | undefined,
  init: InitConfiguration,
  cluster: ClusterConfiguration,
): KubeProxyDocument {
  const { clientConnection, ...rest } = given ?? {};
  return {
    bindAddress: isIPv6(addressOf(init)) ? '::' : '0.0.0.0',
    ...(cluster.networking.podSubnet === '' ? {} : { clusterCIDR: cluster.networking.podSubnet }),
    mode: 'nftables',
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null && value !== '')),
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { ...(clientConnection as object | undefined), kubeconfig: KUBECONFIG },
  };
}

/** @returns a sentence for each problem */
export function* kubeProxyProblems({ mode }: KubeProxyDocument, { proxy, imageRepository }: ClusterConfiguration) {
  if (!proxy.disabled && mode !== 'nftables' && isOwnRepository(imageRepository))
    yield `KubeProxyConfiguration: mode ${mode} is not there: leave it out, or write nftables`;
}
