import { ensureKubeconfig, kubeconfigs } from '../../kubeconfigs.ts';
import { runPhases } from '../../phase.ts';
import { certsPhase } from '../../phases/certs.ts';
import { controlPlanePhase } from '../../phases/control-plane.ts';
import type { JoinPhase } from '../phase.ts';
import { downloadShared, expectShared } from '../shared.ts';

/** The kubelet makes its own, and super-admin.conf is of the first machine alone. */
const NAMES = ['admin', 'controller-manager', 'scheduler'] as const;

/** What a machine of the control plane has before it runs anything (kubeadm/app/cmd/phases/join/controlplaneprepare.go). */
export const controlPlanePreparePhase: JoinPhase = {
  name: 'control-plane-prepare',
  summary: 'Prepare this machine for the control plane',
  applies: ({ join }) => join.isControlPlane,
  phases: [
    {
      name: 'download-certs',
      summary: 'Fetch the authorities from the secret kube-system/kubeadm-certs, with --certificate-key',
      applies: ({ join }) => join.init.certificateKey !== '',
      async run({ join, found }) {
        const { client, installation } = await found();
        await downloadShared(client, installation, join.init.certificateKey);
      },
    },
    {
      name: 'certs',
      summary: 'Make the certificates and keys that are of this machine alone',
      async run({ found }) {
        const { installation } = await found();
        await expectShared(installation);
        await runPhases([certsPhase], installation);
      },
    },
    {
      name: 'kubeconfig',
      summary: `Write the access of ${NAMES.map((name) => kubeconfigs[name].summary).join(', ')}`,
      async run({ found }) {
        const { installation } = await found();
        for (const name of NAMES) await ensureKubeconfig(installation, name);
      },
    },
    {
      name: 'control-plane',
      summary: 'Write the manifests of the control plane, or with --systemd its units',
      async run({ found }) {
        const { installation } = await found();
        await runPhases([controlPlanePhase], installation);
      },
    },
  ],
};
