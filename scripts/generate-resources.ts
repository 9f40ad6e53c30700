/**
 * Generates packages/apiserver/src/generated/resources.json from the recorded discovery documents: for every group and
 * version the resources and subresources that kube-apiserver 1.36 serves by default, with verbs and names.
 *
 *   node scripts/generate-resources.ts [--shared ../shared]
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

const root = path.resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { shared: { type: 'string', default: path.join(root, '../shared') } } });
const dir = path.join(values.shared, 'kubernetes-1.36/discovery');

interface ResourceList {
  kind: string;
  groupVersion: string;
  resources: { name: string }[];
}
interface GroupList {
  groups: { name: string; versions: { version: string }[]; preferredVersion: { version: string } }[];
}
const read = <T>(name: string): T => JSON.parse(fs.readFileSync(path.join(dir, name), 'utf8')) as T;

const lists = fs
  .readdirSync(dir)
  .filter((f) => /^apis?__/.test(f))
  .map((f) => read<ResourceList>(f))
  .filter((d) => d.kind === 'APIResourceList');
const byGroupVersion = new Map(lists.map((l) => [l.groupVersion, l.resources]));

const core = { name: '', preferred: 'v1', versions: [{ version: 'v1', resources: byGroupVersion.get('v1') }] };
const groups = read<GroupList>('apis.json').groups.map((g) => ({
  name: g.name,
  preferred: g.preferredVersion.version,
  versions: g.versions.map(({ version }) => ({ version, resources: byGroupVersion.get(`${g.name}/${version}`) })),
}));

const target = path.join(root, 'packages/apiserver/src/generated/resources.json');
fs.mkdirSync(path.dirname(target), { recursive: true });
fs.writeFileSync(target, `${JSON.stringify([core, ...groups], null, 1)}\n`);
