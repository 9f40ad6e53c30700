import { CONTROL_PLANE, type ControlPlaneComponent, manifestFile } from '../layout.ts';
import { ensureControlPlanePart } from '../parts.ts';
import type { Phase } from '../phase.ts';

/** kubeadm's names of the phases. */
const names: Readonly<Record<ControlPlaneComponent, string>> = {
  'kube-apiserver': 'apiserver',
  'kube-controller-manager': 'controller-manager',
  'kube-scheduler': 'scheduler',
};

export const controlPlanePhase: Phase = {
  name: 'control-plane',
  summary: 'Have the API server, the controller manager and the scheduler run on this machine',
  phases: CONTROL_PLANE.map((component) => ({
    name: names[component],
    summary: `Write ${manifestFile(component)}, or with --systemd ${component}.service`,
    run: (context) => ensureControlPlanePart(context, component),
  })),
};
