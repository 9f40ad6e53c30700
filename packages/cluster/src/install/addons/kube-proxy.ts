/** The proxy on every node (kubeadm/app/phases/addons/proxy). */
import { kubernetesImage } from '../images.ts';
import { sortedYaml } from '../kubelet-files.ts';
import { addonFolder } from '../layout.ts';
import type { InstallContext } from '../phase.ts';
import { bindClusterRole, serviceAccount } from '../rbac.ts';
import { ensureNodePart, type NodePart } from './node-part.ts';

const NAME = 'kube-proxy';
const CONFIGURATION = 'config.conf';

const flags = (folder: string, nodeName: string) => [
  `--config=${folder}/${CONFIGURATION}`,
  `--hostname-override=${nodeName}`,
];

export const kubeProxyPart: NodePart = {
  name: NAME,
  phase: NAME,
  description: 'Addresses of Kubernetes services on this machine (Keelson)',
  labels: { app: NAME },
  files: ({ kubeProxy }) => ({ [CONFIGURATION]: sortedYaml(kubeProxy) }),
  command: (folder, nodeName) => [NAME, ...flags(folder, nodeName)],
  capabilities: ['CAP_NET_ADMIN'],
  container: ({ cluster }) => ({
    image: kubernetesImage(NAME, cluster),
    command: [`/usr/local/bin/${NAME}`, ...flags(addonFolder(NAME), '$(NODE_NAME)')],
    // It sets limits of the kernel, which containers see no way to without.
    securityContext: { privileged: true, runAsUser: 0 },
    volumeMounts: [
      { mountPath: '/run/xtables.lock', name: 'xtables-lock' },
      { mountPath: '/lib/modules', name: 'lib-modules', readOnly: true },
    ],
  }),
  volumes: [
    { name: 'xtables-lock', hostPath: { path: '/run/xtables.lock', type: 'FileOrCreate' } },
    { name: 'lib-modules', hostPath: { path: '/lib/modules' } },
  ],
};

export async function ensureKubeProxy(context: InstallContext): Promise<void> {
  await bindClusterRole(await context.api(), 'kubeadm:node-proxier', 'system:node-proxier', serviceAccount(NAME));
  await ensureNodePart(context, kubeProxyPart);
}
