import { ensureDns } from '../addons/coredns.ts';
import { ensureKubeProxy } from '../addons/kube-proxy.ts';
import { ensurePodNetwork, hasPodNetwork } from '../addons/pod-network.ts';
import type { Phase } from '../phase.ts';

/** What a cluster has beside its control plane, in pods, or with --systemd in units. */
export const addonPhase: Phase = {
  name: 'addon',
  summary: 'Install what answers for names, what carries traffic to services, and a network of pods',
  phases: [
    {
      name: 'coredns',
      summary: 'Install a name server: the deployment coredns, or with --systemd keelson-dns.service',
      applies: ({ configuration }) => !configuration.cluster.dns.disabled,
      run: ensureDns,
    },
    {
      name: 'kube-proxy',
      summary: 'Install the proxy of every node: the daemon set kube-proxy, or with --systemd kube-proxy.service',
      applies: ({ configuration }) => !configuration.cluster.proxy.disabled,
      run: ensureKubeProxy,
    },
    {
      name: 'pod-network',
      summary:
        'Make one network of the pods of all nodes: the daemon set keelson-pod-network, or with --systemd a unit of that name',
      applies: hasPodNetwork,
      run: ensurePodNetwork,
    },
  ],
};
