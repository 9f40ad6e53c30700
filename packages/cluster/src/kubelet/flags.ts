import { kubeletFlags } from '@keelson/component/generated/kubelet-flags';
import type { FlagTable, FlagValues } from '@keelson/component/pflag/flags';
import { loggingDescriptions } from '../commands/logging.ts';
import { commonDescriptions, GATES_DESCRIPTION } from '../component-flags.ts';

/** The flags of `kubelet`: upstream's, and the one by which its other settings are left to a file. */
export const flags = { ...kubeletFlags } as const satisfies FlagTable;

export type Values = FlagValues<typeof flags>;

export const descriptions: Readonly<Partial<Record<keyof typeof flags, string>>> = {
  ...commonDescriptions,
  ...loggingDescriptions,
  address: 'Address that the kubelet listens on.',
  'allowed-unsafe-sysctls': 'Sysctls that pods may set besides the safe ones.',
  'anonymous-auth': 'Take requests without credentials as user system:anonymous. Default: false, as in --config.',
  'authentication-token-webhook': 'Ask the API server whose a bearer token is. Default: true, as in --config.',
  'authentication-token-webhook-cache-ttl': 'How long its answer holds.',
  'authorization-mode':
    'Who may: AlwaysAllow: everybody, Webhook: whom the API server lets. Default: Webhook, as in --config.',
  'authorization-webhook-cache-authorized-ttl': 'How long it holds that somebody may.',
  'authorization-webhook-cache-unauthorized-ttl': 'How long it holds that somebody may not.',
  'bootstrap-kubeconfig':
    'Access by which the kubelet asks for a certificate of its own, where --kubeconfig is not there yet.',
  'cgroup-root': 'Cgroup above those of all pods; it has to be there.',
  'cgroups-per-qos': 'Each pod has a cgroup of its own, below that of its class.',
  'cert-dir': 'Where the certificates are that it asks for.',
  'client-ca-file': 'Authorities whose client certificates name users.',
  'cluster-dns': 'Addresses of DNS servers for pods.',
  'cluster-domain': "The cluster's domain.",
  config: 'A KubeletConfiguration. What flags say as well, they say last.',
  'config-dir':
    'Folder of drop-ins: what its files (.conf) say takes the place of what --config says, in the order of their names.',
  'container-runtime-endpoint': 'Socket of the container runtime (CRI); `simulated` for pods without containers.',
  'container-log-max-files': 'Files of a container’s log that are kept.',
  'container-log-max-size': 'Size from which on a log is moved away.',
  'cpu-manager-policy': 'Whether guaranteed pods that ask for whole CPUs have them as their own: none, static.',
  'cpu-manager-policy-options':
    'How they get them: full-pcpus-only, strict-cpu-reservation, distribute-cpus-across-numa, prefer-align-cpus-by-uncorecache, each =true.',
  'cpu-manager-reconcile-period': 'How often it is seen to that others do not run there.',
  'cpu-cfs-quota': 'Hold containers to their limits of CPU.',
  'enforce-node-allocatable':
    'Who is held to what they may have: none, pods, system-reserved, kube-reserved, the latter two with -compressible for CPU alone.',
  'eviction-hard': 'What there has to be of memory, disk and process numbers: signal<amount or share.',
  'eviction-max-pod-grace-period': 'Seconds that a pod has at most when a soft threshold is met.',
  'eviction-minimum-reclaim': 'How much more there has to be before pods are evicted no more.',
  'eviction-pressure-transition-period': 'How long the node tells of a pressure after it was seen last.',
  'eviction-soft': 'What there has to be most of the time, as --eviction-hard.',
  'eviction-soft-grace-period': 'For how long there may be less than --eviction-soft wants: signal=duration.',
  'feature-gates': GATES_DESCRIPTION,
  'fail-swap-on': 'Do not start on a machine with swap.',
  'image-credential-provider-bin-dir': 'Folder of the programs that give credentials for registries.',
  'image-credential-provider-config': 'File that says which programs those are, and for which images.',
  'image-gc-high-threshold': 'Percent in use from which on images that nothing uses are removed; 100: never.',
  'image-gc-low-threshold': 'Percent in use down to which they are removed.',
  'local-storage-capacity-isolation': 'Hold pods to their limits of local storage.',
  'minimum-image-ttl-duration': 'How long an image stays at least, used or not.',
  'node-status-max-images': 'Images that the node tells of; -1: all.',
  'healthz-bind-address': 'Address of the plain port for /healthz.',
  'healthz-port': 'The plain port for /healthz; 0: none.',
  'hostname-override': "Name of the node. Default: this machine's.",
  'kube-reserved': 'What is kept for Kubernetes: cpu, memory, ephemeral-storage and pid, name=amount.',
  'kube-reserved-cgroup': 'Cgroup of those for whom --kube-reserved is.',
  'max-pods': 'Pods that the node takes.',
  'memory-manager-policy': 'Whether guaranteed pods have memory from certain NUMA nodes: None, Static.',
  'node-ip': 'Addresses of the node, the primary one first.',
  'node-labels': 'Labels of the node when it registers.',
  'pod-manifest-path': 'Folder of static pods.',
  'pod-max-pids': 'Processes of one pod; -1: any.',
  port: 'The HTTPS port.',
  'provider-id': 'What the node is called by who provides it.',
  'read-only-port':
    'A plain port that everybody may read pods, statistics and metrics at; 0: none. Default: 0, as in --config.',
  'register-with-taints': 'Taints of the node when it registers: key=value:effect.',
  'reserved-cpus': 'CPUs that are never a pod’s own, in the place of how many are reserved.',
  'reserved-memory': 'What of the memory of NUMA nodes is never a pod’s: node:memory=amount,hugepages-2Mi=amount;…',
  'resolv-conf': "File with the DNS settings of pods that do not use the cluster's.",
  'root-dir': 'Where the kubelet keeps what belongs to pods.',
  'rotate-certificates': 'Ask for a new client certificate before the old one ends.',
  'rotate-server-certificates': 'Ask the cluster for a serving certificate, which somebody has to approve.',
  'seccomp-default': "Containers have the runtime's seccomp profile unless they say otherwise.",
  'serialize-image-pulls': 'Pull one image at a time.',
  'system-reserved': 'What is kept for the rest of the machine, as --kube-reserved.',
  'system-reserved-cgroup': 'Cgroup of those for whom --system-reserved is.',
  'tls-cert-file': 'Serving certificate. Default: one that is made and kept in --cert-dir.',
  'topology-manager-policy':
    'Whether CPUs, memory and devices of a container are near to each other: none, best-effort, restricted, single-numa-node.',
  'topology-manager-policy-options': 'prefer-closest-numa-nodes=true, max-allowable-numa-nodes=NUMBER.',
  'topology-manager-scope': 'What of is to be near: container, pod.',
  'tls-private-key-file': 'Its key.',
};
