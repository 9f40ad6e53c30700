import { CONTROL_PLANE, type ControlPlaneComponent, manifestFile } from '../layout.ts';
import { podEnvironment, writeManifest } from '../manifests.ts';
import type { Phase } from '../phase.ts';
import { controlPlanePod } from '../static-pods.ts';

/** kubeadm's names of the phases. */
const names: Readonly<Record<ControlPlaneComponent, string>> = {
  'kube-apiserver': 'apiserver',
  'kube-controller-manager': 'controller-manager',
  'kube-scheduler': 'scheduler',
};

export const controlPlanePhase: Phase = {
  name: 'control-plane',
  summary: 'Write the manifests of the API server, the controller manager and the scheduler',
  applies: ({ systemd }) => !systemd,
  phases: CONTROL_PLANE.map((component) => ({
    name: names[component],
    summary: `Write ${manifestFile(component)}, from which the kubelet runs ${component}`,
    async run(context) {
      const pod = controlPlanePod(component, context.configuration, await podEnvironment(context));
      await writeManifest(context, 'control-plane', component, pod);
    },
  })),
};
