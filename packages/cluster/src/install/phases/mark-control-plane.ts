import type { Node } from '@keelson/api/generated/types/core/v1';
import type { Taint } from '../configuration/types.ts';
import type { Phase } from '../phase.ts';

const labels = {
  'node-role.kubernetes.io/control-plane': '',
  'node.kubernetes.io/exclude-from-external-load-balancers': '',
};

export const markControlPlanePhase: Phase = {
  name: 'mark-control-plane',
  summary: "Give this machine's node the labels and taints of a control plane",
  async run(context) {
    const { configuration, report } = context;
    const { name, taints } = configuration.init.nodeRegistration;
    const api = await context.api();
    await api.changeNode(name, (node) => marked(node, taints));
    const shown = taints.map(({ key, value, effect }) => `${key}${value === undefined ? '' : `=${value}`}:${effect}`);
    report(
      `[mark-control-plane] labelled the node ${name}${shown.length === 0 ? '' : `, tainted it ${shown.join(', ')}`}`,
    );
  },
};

/** The node with labels and taints beside those that it has. */
function marked(node: Node, taints: readonly Taint[]): Node {
  const same = (a: Taint, b: Taint) => a.key === b.key && a.effect === b.effect && (a.value ?? '') === (b.value ?? '');
  const others = (node.spec?.taints ?? []).filter((own) => !taints.some((taint) => same(taint, own)));
  return {
    ...node,
    metadata: { ...node.metadata, labels: { ...node.metadata?.labels, ...labels } },
    spec: { ...node.spec, taints: [...taints, ...others] },
  };
}
