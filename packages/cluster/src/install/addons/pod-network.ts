/** One network of the pods of all nodes, kept by a process on each. */
import { ADDRESS_FOLDER, CACHE_FOLDER, CNI_FOLDER } from '../../pod-network/flags.ts';
import { POD_NETWORK, POD_NETWORK_ROLE, podNetworkRole } from '../../pod-network/role.ts';
import { imageName, isOwnRepository } from '../images.ts';
import { sortedYaml } from '../kubelet-files.ts';
import { addonFolder, type Layout } from '../layout.ts';
import type { InstallContext } from '../phase.ts';
import { bindClusterRole, serviceAccount } from '../rbac.ts';
import { ensureNodePart, type NodePart } from './node-part.ts';

const CONFIGURATION = 'config.conf';

const flags = (folder: string, nodeName: string) => [
  `--config=${folder}/${CONFIGURATION}`,
  `--hostname-override=${nodeName}`,
  `--kubeconfig=${folder}/kubeconfig.conf`,
];

/** What differs where the machine is a folder. */
function ownPlaces(layout: Layout): string[] {
  const places = { 'cni-conf-dir': CNI_FOLDER, 'cni-ipam-dir': ADDRESS_FOLDER, 'cni-cache-dir': CACHE_FOLDER };
  return Object.entries(places).flatMap(([flag, path]) =>
    layout.host(path) === path ? [] : [`--${flag}=${layout.host(path)}`],
  );
}

export const podNetworkPart: NodePart = {
  name: POD_NETWORK,
  phase: 'pod-network',
  description: 'One network of the pods of all nodes of Kubernetes (Keelson)',
  files: ({ podNetwork }) => ({ [CONFIGURATION]: sortedYaml(podNetwork) }),
  command: (folder, nodeName, layout) => ['keelson', 'pod-network', ...ownPlaces(layout), ...flags(folder, nodeName)],
  capabilities: ['CAP_NET_ADMIN'],
  writable: [CNI_FOLDER, ADDRESS_FOLDER],
  container: () => ({
    image: imageName('pod-network'),
    command: [`/usr/local/bin/${POD_NETWORK}`, ...flags(addonFolder(POD_NETWORK), '$(NODE_NAME)')],
    resources: { requests: { cpu: '50m', memory: '50Mi' } },
    securityContext: {
      runAsUser: 0,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
    },
    volumeMounts: [
      { mountPath: CNI_FOLDER, name: 'cni-conf' },
      { mountPath: ADDRESS_FOLDER, name: 'cni-ipam' },
      { mountPath: CACHE_FOLDER, name: 'cni-cache', readOnly: true },
    ],
  }),
  volumes: [
    { name: 'cni-conf', hostPath: { path: CNI_FOLDER, type: 'DirectoryOrCreate' } },
    { name: 'cni-ipam', hostPath: { path: ADDRESS_FOLDER, type: 'DirectoryOrCreate' } },
    { name: 'cni-cache', hostPath: { path: CACHE_FOLDER, type: 'DirectoryOrCreate' } },
  ],
};

/** Nodes have addresses for pods where the configuration has a range of them; upstream's images have no such program. */
export const hasPodNetwork = ({ configuration: { cluster }, systemd }: InstallContext) =>
  cluster.networking.podSubnet !== '' && (systemd || isOwnRepository(cluster.imageRepository));

export async function ensurePodNetwork(context: InstallContext): Promise<void> {
  const api = await context.api();
  await api.put('clusterroles.rbac.authorization.k8s.io', podNetworkRole);
  await bindClusterRole(api, POD_NETWORK_ROLE, POD_NETWORK_ROLE, serviceAccount(POD_NETWORK));
  await ensureNodePart(context, podNetworkPart);
}
