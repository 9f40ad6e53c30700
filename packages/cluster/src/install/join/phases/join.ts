/** What joining consists of, in order (kubeadm/app/cmd/join.go). */
import type { JoinPhase } from '../phase.ts';
import { joinAddonPhase } from './addon.ts';
import { controlPlaneJoinPhase, joinWaitControlPlanePhase } from './control-plane-join.ts';
import { controlPlanePreparePhase } from './control-plane-prepare.ts';
import { checkEtcdPhase, etcdJoinPhase } from './etcd.ts';
import { joinKubeletStartPhase, kubeletWaitBootstrapPhase } from './kubelet.ts';
import { joinPreflightPhase } from './preflight.ts';

export const joinPhases: readonly JoinPhase[] = [
  joinPreflightPhase,
  controlPlanePreparePhase,
  checkEtcdPhase,
  joinKubeletStartPhase,
  joinAddonPhase,
  etcdJoinPhase,
  kubeletWaitBootstrapPhase,
  controlPlaneJoinPhase,
  joinWaitControlPlanePhase,
];
