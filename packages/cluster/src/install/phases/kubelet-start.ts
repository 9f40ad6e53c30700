import { ensureKubeletFiles } from '../kubelet-files.ts';
import type { Phase } from '../phase.ts';

export const kubeletStartPhase: Phase = {
  name: 'kubelet-start',
  summary: 'Write what the kubelet reads, and start it',
  async run(context) {
    const { configuration, services, report, hostname } = context;
    const { init, kubelet } = configuration;
    const changed = await ensureKubeletFiles(context, {
      node: init.nodeRegistration,
      kubelet,
      hostname,
      registersTaints: false,
    });
    if (!changed || !services) return;
    await services.start('kubelet.service');
    report('[kubelet-start] started kubelet.service');
  },
};
