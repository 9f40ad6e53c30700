import { ensureKubeconfig, kubeconfigs } from '../kubeconfigs.ts';
import { KUBECONFIG_FILES, type KubeconfigName } from '../layout.ts';
import type { Phase } from '../phase.ts';

export const kubeconfigPhase: Phase = {
  name: 'kubeconfig',
  summary: 'Write the kubeconfigs of the administrator and of each part of the control plane',
  description:
    'Writes what is missing of the kubeconfigs in /etc/kubernetes, each with a client certificate signed by the authority "ca". Existing files that trust that authority are kept.',
  phases: (Object.keys(kubeconfigs) as KubeconfigName[]).map((name) => ({
    name,
    summary: `Write ${KUBECONFIG_FILES[name]}: the access of ${kubeconfigs[name].summary}`,
    run: (context) => ensureKubeconfig(context, name),
  })),
};
