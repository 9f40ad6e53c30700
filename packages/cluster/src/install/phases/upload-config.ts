import { encodeCluster } from '../configuration/cluster.ts';
import { sortedYaml } from '../kubelet-files.ts';
import type { Phase } from '../phase.ts';
import { BOOTSTRAPPERS, grant, group, NODES, readConfigMap } from '../rbac.ts';

const namespace = 'kube-system';

/** Where a cluster keeps what its installation was told, and who may read it (kubeadm/app/phases/uploadconfig, phases/kubelet). */
export const uploadConfigPhase: Phase = {
  name: 'upload-config',
  aliases: ['uploadconfig'],
  summary: 'Keep the configuration in the cluster, for machines that join',
  phases: [
    {
      name: 'kubeadm',
      summary: 'Put the ClusterConfiguration into the config map kube-system/kubeadm-config',
      async run(context) {
        const api = await context.api();
        const name = 'kubeadm-config';
        const text = sortedYaml(encodeCluster(context.configuration.cluster));
        await api.put('configmaps', { metadata: { namespace, name }, data: { ClusterConfiguration: text } });
        await grant(api, { namespace, name: 'kubeadm:nodes-kubeadm-config' }, readConfigMap(name), [
          group(BOOTSTRAPPERS),
          group(NODES),
        ]);
        context.report(`[upload-config] wrote the config map ${namespace}/${name}`);
      },
    },
    {
      name: 'kubelet',
      summary: 'Put the KubeletConfiguration into the config map kube-system/kubelet-config',
      async run(context) {
        const api = await context.api();
        const name = 'kubelet-config';
        const data = { kubelet: sortedYaml(context.configuration.kubelet) };
        await api.put('configmaps', { metadata: { namespace, name }, data });
        await grant(api, { namespace, name: 'kubeadm:kubelet-config' }, readConfigMap(name), [
          group(NODES),
          group(BOOTSTRAPPERS),
        ]);
        context.report(`[upload-config] wrote the config map ${namespace}/${name}`);
      },
    },
  ],
};
