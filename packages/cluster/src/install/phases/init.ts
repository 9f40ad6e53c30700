/** What an installation consists of, in order. */
import type { Phase } from '../phase.ts';
import { addonPhase } from './addon.ts';
import { bootstrapTokenPhase } from './bootstrap-token.ts';
import { certsPhase } from './certs.ts';
import { controlPlanePhase } from './control-plane.ts';
import { etcdPhase } from './etcd.ts';
import { kubeconfigPhase } from './kubeconfig.ts';
import { kubeletFinalizePhase } from './kubelet-finalize.ts';
import { kubeletStartPhase } from './kubelet-start.ts';
import { markControlPlanePhase } from './mark-control-plane.ts';
import { preflightPhase } from './preflight.ts';
import { showJoinCommandPhase } from './show-join-command.ts';
import { uploadCertsPhase } from './upload-certs.ts';
import { uploadConfigPhase } from './upload-config.ts';
import { waitControlPlanePhase } from './wait-control-plane.ts';

export const initPhases: readonly Phase[] = [
  preflightPhase,
  certsPhase,
  kubeconfigPhase,
  etcdPhase,
  controlPlanePhase,
  kubeletStartPhase,
  waitControlPlanePhase,
  uploadConfigPhase,
  uploadCertsPhase,
  markControlPlanePhase,
  bootstrapTokenPhase,
  kubeletFinalizePhase,
  addonPhase,
  showJoinCommandPhase,
];
