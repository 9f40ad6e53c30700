import { podEnvironment, writeManifest } from '../manifests.ts';
import type { InstallContext, Phase } from '../phase.ts';
import { etcdPod } from '../static-pods.ts';

const hasPod = ({ configuration, systemd }: InstallContext) =>
  configuration.cluster.etcd.local !== undefined && !systemd;

export const etcdPhase: Phase = {
  name: 'etcd',
  summary: "Write the manifest of this machine's etcd",
  applies: hasPod,
  phases: [
    {
      name: 'local',
      summary: 'Write /etc/kubernetes/manifests/etcd.yaml, from which the kubelet runs etcd',
      async run(context) {
        const { files, layout, report, configuration } = context;
        const { dataDir } = configuration.cluster.etcd.local!;
        if (!(await files.exists(dataDir))) {
          await files.makeDirectory(dataDir, 0o700);
          report(`[etcd] made ${layout.local(dataDir)}`);
        }
        await writeManifest(context, 'etcd', 'etcd', etcdPod(configuration, await podEnvironment(context)));
      },
    },
  ],
};
