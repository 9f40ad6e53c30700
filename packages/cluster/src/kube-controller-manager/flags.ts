import { kubeControllerManagerFlags } from '@keelson/component/generated/kube-controller-manager-flags';
import type { FlagValues } from '@keelson/component/pflag/flags';
import { loggingDescriptions } from '../commands/logging.ts';
import {
  commonDescriptions,
  GATES_DESCRIPTION,
  PROFILING_DESCRIPTION,
  rateLimitDescriptions,
} from '../component-flags.ts';
import { electionDescriptions } from '../leader-election.ts';
import { metricDescriptions } from '../metric-flags.ts';
import { servingDescriptions } from '../secure-serving.ts';

/** The flags of `kube-controller-manager`: upstream's. */
export const flags = kubeControllerManagerFlags;

export type Values = FlagValues<typeof flags>;

export const descriptions: Readonly<Partial<Record<keyof typeof flags, string>>> = {
  ...commonDescriptions,
  ...loggingDescriptions,
  ...rateLimitDescriptions,
  ...electionDescriptions,
  ...servingDescriptions,
  ...metricDescriptions,
  'feature-gates': GATES_DESCRIPTION,
  profiling: PROFILING_DESCRIPTION,
  'allocate-node-cidrs': 'Give each node a range of addresses for its pods, out of --cluster-cidr.',
  'cluster-cidr': 'Addresses of pods, as CIDR; two of different families for dual stack.',
  'cluster-signing-cert-file':
    'Authority that signs the certificates which are asked for by CertificateSigningRequests.',
  'cluster-signing-duration': 'How long such certificates last at most.',
  'cluster-signing-key-file': 'Its key.',
  'concurrent-cron-job-syncs': 'How many cron jobs are worked on at once.',
  'concurrent-daemonset-syncs': 'The same for daemon sets.',
  'concurrent-deployment-syncs': 'The same for deployments.',
  'concurrent-device-taint-eviction-syncs': 'The same for pods whose devices have taints.',
  'concurrent-endpoint-syncs': 'The same for endpoints of services.',
  'concurrent-ephemeralvolume-syncs': 'The same for pods with volumes of their own.',
  'concurrent-gc-syncs': 'The same for objects whose owners are gone.',
  'concurrent-horizontal-pod-autoscaler-syncs': 'The same for autoscalers.',
  'concurrent-job-syncs': 'The same for jobs.',
  'concurrent-namespace-syncs': 'The same for namespaces.',
  'concurrent-rc-syncs': 'The same for replication controllers.',
  'concurrent-replicaset-syncs': 'The same for replica sets.',
  'concurrent-resource-quota-syncs': 'The same for quotas.',
  'concurrent-resourceclaim-syncs': 'The same for claims of devices, and pods that need some.',
  'concurrent-service-endpoint-syncs': 'The same for endpoint slices of services.',
  'concurrent-serviceaccount-token-syncs': 'The same for tokens that are kept in secrets.',
  'concurrent-statefulset-syncs': 'The same for stateful sets.',
  'concurrent-ttl-after-finished-syncs': 'The same for ended jobs that are to go.',
  'concurrent-validating-admission-policy-status-syncs': 'The same for policies whose expressions are checked.',
  controllers: 'Controllers to run: names, * for all that are on by default, -NAME for all but that.',
  'disable-force-detach-on-timeout':
    'Volumes stay on nodes that are not ready until these say that they are unmounted; otherwise they go after six minutes.',
  'horizontal-pod-autoscaler-cpu-initialization-period':
    'So long after its start the CPU usage of a pod that is not ready does not count.',
  'horizontal-pod-autoscaler-downscale-stabilization':
    'For so long scaling down waits for a higher recommendation, where an autoscaler does not say.',
  'horizontal-pod-autoscaler-initial-readiness-delay':
    'A pod that became ready within this after its start is taken to start still.',
  'horizontal-pod-autoscaler-sync-period': 'How often autoscalers look at their metrics.',
  'horizontal-pod-autoscaler-tolerance': 'By how much usage may differ from its target: 0.1 is a tenth.',
  'large-cluster-size-threshold': 'Zones of more nodes than this are large: see --secondary-node-eviction-rate.',
  'legacy-service-account-token-clean-up-period':
    'How long a token in a secret may be unused before it goes, if it was made by itself.',
  'node-cidr-mask-size': 'How large the range of a node is: bits of its prefix. Default: 24, or 64 for IPv6.',
  'node-cidr-mask-size-ipv4': 'The same in dual stack, for IPv4.',
  'node-cidr-mask-size-ipv6': 'The same in dual stack, for IPv6.',
  'node-eviction-rate': 'Nodes a second from which pods may be evicted, for each zone.',
  'node-monitor-grace-period': 'How long a node may be silent before it counts as unreachable.',
  'node-monitor-period': 'How often nodes are looked at.',
  'node-startup-grace-period': 'How long a new node may be silent.',
  'root-ca-file': 'Authorities of the API server, published in every namespace as the config map kube-root-ca.crt.',
  'secondary-node-eviction-rate': 'The same in a large zone that is not well; in a small one no pods are evicted then.',
  'service-account-private-key-file': 'Key that signs the tokens which are kept in secrets; without it none are made.',
  'terminated-pod-gc-threshold': 'How many pods that have come to their end are kept; 0 keeps all.',
  'unhealthy-zone-threshold': 'The share of nodes that are not ready from which on a zone is not well.',
  'use-service-account-credentials': 'Each controller acts as a service account of its own.',
};
