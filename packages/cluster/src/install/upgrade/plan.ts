/** What an upgrade would bring where (kubeadm/app/cmd/upgrade/plan.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { ClusterApi } from '../api.ts';
import { imageName, kubernetesImage } from '../images.ts';
import { CONTROL_PLANE } from '../layout.ts';
import type { UpgradeContext } from './context.ts';

export interface PlannedComponent {
  readonly component: string;
  /** Where it runs. */
  readonly node: string;
  readonly current: string;
  readonly target: string;
}

/** Each kubelet, and each part of the control plane that runs as a pod; where units run them, who runs the kubelet's release runs theirs. */
export async function upgradePlan(api: ClusterApi, context: UpgradeContext): Promise<PlannedComponent[]> {
  const { cluster } = context.configuration;
  const nodes = await api.list('nodes', {});
  const kubelets = nodes.map(({ metadata, status }) => ({
    component: 'kubelet',
    node: metadata.name!,
    current: status?.nodeInfo?.kubeletVersion ?? '',
    target: cluster.kubernetesVersion,
  }));
  const pods = await api.list('pods', { namespace: 'kube-system', labelSelector: 'tier=control-plane' });
  const { local } = cluster.etcd;
  const targets: readonly (readonly [string, string])[] = [
    ...CONTROL_PLANE.map((name) => [name, kubernetesImage(name, cluster)] as const),
    ...(local
      ? [['etcd', imageName('etcd', local.imageRepository || cluster.imageRepository, local.imageTag)] as const]
      : []),
  ];
  const parts = targets.flatMap(([component, image]) =>
    pods
      .filter(({ metadata }) => metadata.labels?.component === component)
      .map((pod) => ({ component, node: pod.spec.nodeName ?? '', current: currentOf(pod), target: tagOf(image) })),
  );
  return [...kubelets, ...parts];
}

const currentOf = ({ spec }: Pod) => tagOf(spec.containers?.[0]?.image ?? '');
const tagOf = (image: string) => /:([^:/]+)$/.exec(image)?.[1] ?? '';
