/** What an installation consists of, in order. */
import type { Phase } from '../phase.ts';
import { certsPhase } from './certs.ts';
import { controlPlanePhase } from './control-plane.ts';
import { etcdPhase } from './etcd.ts';
import { kubeconfigPhase } from './kubeconfig.ts';

export const initPhases: readonly Phase[] = [certsPhase, kubeconfigPhase, etcdPhase, controlPlanePhase];
