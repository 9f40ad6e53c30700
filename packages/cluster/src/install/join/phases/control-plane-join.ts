import { markControlPlanePhase } from '../../phases/mark-control-plane.ts';
import { untilWell } from '../../phases/wait-control-plane.ts';
import type { JoinPhase } from '../phase.ts';

/** What others see of a machine of the control plane (kubeadm/app/cmd/phases/join/controlplanejoin.go). */
export const controlPlaneJoinPhase: JoinPhase = {
  name: 'control-plane-join',
  summary: 'Have the cluster know this machine as one of its control plane',
  applies: ({ join }) => join.isControlPlane,
  phases: [
    {
      name: markControlPlanePhase.name,
      summary: markControlPlanePhase.summary,
      async run({ found }) {
        await markControlPlanePhase.run?.((await found()).installation);
      },
    },
  ],
};

export const joinWaitControlPlanePhase: JoinPhase = {
  name: 'wait-control-plane',
  summary: 'Wait until the API server, the controller manager and the scheduler of this machine are well',
  applies: ({ join, dryRun }) => join.isControlPlane && !dryRun,
  async run({ found }) {
    await untilWell((await found()).installation);
  },
};
