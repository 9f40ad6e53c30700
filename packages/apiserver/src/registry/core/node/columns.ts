import type { Node } from '@keelson/api/generated/types/core/v1';
import { age, ageColumn, column, nameColumn, wideColumn } from '../../columns.ts';
import type { TableConvertor } from '../../strategy.ts';

const ROLE_PREFIX = 'node-role.kubernetes.io/';
const ROLE_LABEL = 'kubernetes.io/role';

export const table: TableConvertor<Node> = {
  columns: [
    nameColumn,
    column('Status', 'string', 'The status of the node'),
    column('Roles', 'string', 'The roles of the node'),
    ageColumn,
    column('Version', 'string', 'core.v1.NodeSystemInfo.kubeletVersion'),
    wideColumn('Internal-IP', 'string', 'core.v1.NodeStatus.addresses'),
    wideColumn('External-IP', 'string', 'core.v1.NodeStatus.addresses'),
    wideColumn('OS-Image', 'string', 'core.v1.NodeSystemInfo.osImage'),
    wideColumn('Kernel-Version', 'string', 'core.v1.NodeSystemInfo.kernelVersion'),
    wideColumn('Container-Runtime', 'string', 'core.v1.NodeSystemInfo.containerRuntimeVersion'),
  ],
  row(node) {
    const { nodeInfo } = node.status;
    const architecture = nodeInfo?.architecture ? ` (${nodeInfo.architecture})` : '';
    return {
      cells: [
        node.metadata.name ?? '',
        statusOf(node),
        rolesOf(node).join(',') || '<none>',
        age(node),
        nodeInfo?.kubeletVersion ?? '',
        addressOf(node, 'InternalIP'),
        addressOf(node, 'ExternalIP'),
        nodeInfo?.osImage || '<unknown>',
        `${nodeInfo?.kernelVersion || '<unknown>'}${architecture}`,
        nodeInfo?.containerRuntimeVersion || '<unknown>',
      ],
    };
  },
};

function statusOf({ spec, status }: Node): string {
  const ready = status.conditions?.findLast((c) => c.type === 'Ready');
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady';
  return spec.unschedulable ? `${text},SchedulingDisabled` : text;
}

function rolesOf({ metadata }: Node): string[] {
  const roles = Object.entries(metadata.labels ?? {}).map(([key, value]) =>
    key.startsWith(ROLE_PREFIX) ? key.slice(ROLE_PREFIX.length) : key === ROLE_LABEL ? value : '',
  );
  return [...new Set(roles.filter((role) => role !== ''))].sort();
}

function addressOf({ status }: Node, type: string): string {
  return status.addresses?.find((a) => a.type === type)?.address ?? '<none>';
}
