import { ensureEtcd } from '../parts.ts';
import type { Phase } from '../phase.ts';

export const etcdPhase: Phase = {
  name: 'etcd',
  summary: 'Have etcd run on this machine, unless it is external',
  applies: ({ configuration }) => configuration.cluster.etcd.local !== undefined,
  phases: [
    {
      name: 'local',
      summary: 'Write /etc/kubernetes/manifests/etcd.yaml, or with --systemd etcd.service',
      run: (context) => ensureEtcd(context),
    },
  ],
};
