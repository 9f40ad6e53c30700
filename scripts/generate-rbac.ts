/**
 * Generates packages/apiserver/src/generated/rbac.json: the roles and bindings that kube-apiserver makes at its start,
 * without the metadata that all of them share.
 *
 *   node scripts/generate-rbac.ts [--shared ../shared]
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { load } from 'js-yaml';

interface Policy {
  apiVersion: string;
  kind: 'ClusterRole' | 'ClusterRoleBinding' | 'Role' | 'RoleBinding';
  metadata: { annotations: Record<string, string>; labels: Record<string, string>; name: string };
}

const FILES = [
  'cluster-roles.yaml',
  'controller-roles.yaml',
  'cluster-role-bindings.yaml',
  'controller-role-bindings.yaml',
  'namespace-roles.yaml',
  'namespace-role-bindings.yaml',
];
const ANNOTATION = 'rbac.authorization.kubernetes.io/autoupdate';
const LABEL = 'kubernetes.io/bootstrapping';

const root = path.resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { shared: { type: 'string', default: path.join(root, '../shared') } } });
const dir = path.join(values.shared, 'kubernetes-1.36/rbac');

const objects = FILES.flatMap(
  (file) => (load(fs.readFileSync(path.join(dir, file), 'utf8')) as { items: Policy[] }).items,
);
const kinds = ['ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'] as const;
const lines = kinds.map((kind) => {
  const items = objects.filter((o) => o.kind === kind).map((o) => `  ${JSON.stringify(withoutShared(o))}`);
  return ` ${JSON.stringify(kind)}: [\n${items.join(',\n')}\n ]`;
});
fs.writeFileSync(path.join(root, 'packages/apiserver/src/generated/rbac.json'), `{\n${lines.join(',\n')}\n}\n`);

function withoutShared({ apiVersion: _, kind: __, metadata, ...rest }: Policy): unknown {
  const { annotations, labels, ...own } = metadata;
  const { [LABEL]: defaults, ...ownLabels } = labels;
  if (annotations[ANNOTATION] !== 'true' || Object.keys(annotations).length !== 1 || defaults !== 'rbac-defaults')
    throw new Error(`${metadata.name} has other annotations or labels than all had so far`);
  const hasLabels = Object.keys(ownLabels).length > 0;
  return { metadata: { ...own, ...(hasLabels ? { labels: ownLabels } : {}) }, ...rest };
}
