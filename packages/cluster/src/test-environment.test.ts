import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connect, loadKubeconfig, systemWorld } from '@keelson/client';
import { expect, test } from 'vitest';
import { startTestEnvironment } from './test-environment.ts';

const widgets = { group: 'example.com', version: 'v1', resource: 'widgets', namespaced: true, kind: 'Widget' };
const definition = `
apiVersion: v1
kind: ConfigMap
metadata: { name: other }
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: widgets.example.com }
spec:
  group: example.com
  scope: Namespaced
  names: { plural: widgets, singular: widget, kind: Widget, listKind: WidgetList }
  versions:
    - name: v1
      served: true
      storage: true
      schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } }
`;

test('serves the definitions of a folder at once, to its administrator', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keelson-definitions-'));
  await writeFile(join(folder, 'widgets.yaml'), definition);
  await writeFile(join(folder, 'README.md'), 'no: definition: this');
  await using environment = await startTestEnvironment({ definitions: [folder] });
  await rm(folder, { recursive: true });
  const widget = { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { namespace: 'default', name: 'w' } };
  await environment.client.resource(widgets).create(widget);
  const again = connect(await loadKubeconfig(environment.kubeconfig), { component: 'again', world: systemWorld() });
  expect(await again.resource(widgets).get({ namespace: 'default', name: 'w' })).toMatchObject(widget);
  again.close();
});

test('users may do what RBAC says', async () => {
  await using environment = await startTestEnvironment();
  const file = await environment.addUser('alice', ['readers']);
  const alice = connect(await loadKubeconfig(file), { component: 'alice', world: systemWorld() });
  const key = { namespace: 'default', name: 'kubernetes' };
  await expect(alice.resource('services').get(key)).rejects.toThrow('User "alice" cannot get resource "services"');
  await environment.client.resource('clusterroles.rbac.authorization.k8s.io').create({
    metadata: { name: 'readers' },
    rules: [{ apiGroups: [''], resources: ['services'], verbs: ['get'] }],
  });
  await environment.client.resource('clusterrolebindings.rbac.authorization.k8s.io').create({
    metadata: { name: 'readers' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'readers' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'readers' }],
  });
  await expect.poll(() => alice.resource('services').get(key), { timeout: 30_000 }).toMatchObject({ metadata: key });
  alice.close();
});

test('two are apart, and leave nothing', async () => {
  const [one, other] = await Promise.all([startTestEnvironment(), startTestEnvironment()]);
  await one.client.resource('namespaces').create({ metadata: { name: 'mine' } });
  await expect(other.client.resource('namespaces').get({ name: 'mine' })).rejects.toThrow('not found');
  const folders = [one, other].map(({ kubeconfig }) => dirname(kubeconfig));
  await Promise.all([one.stop(), other.stop()]);
  for (const folder of folders) await expect(stat(folder)).rejects.toThrow('ENOENT');
});

test('a definition that is refused ends the start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keelson-definitions-'));
  const file = join(folder, 'wrong.yaml');
  await writeFile(file, definition.replace('name: widgets.example.com', 'name: wrong.example.com'));
  await expect(startTestEnvironment({ definitions: [file] })).rejects.toThrow('must be spec.names.plural');
  await writeFile(file, 'kind: [');
  await expect(startTestEnvironment({ definitions: [folder] })).rejects.toThrow(
    `cannot read definitions from ${file}: `,
  );
  await expect(startTestEnvironment({ definitions: [join(folder, 'none')] })).rejects.toThrow(
    `cannot read definitions from ${join(folder, 'none')}: there is no such file`,
  );
  await rm(folder, { recursive: true });
});
