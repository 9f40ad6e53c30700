import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { onEveryStorage } from '../support/suite.ts';
import { python } from '../support/tools.ts';

onEveryStorage('Python client', ['python3-kubernetes'], (subject) => {
  /** Runs a script with `v1`, the core API, and `ns` at hand. @returns what it printed */
  async function script(namespace: string, text: string): Promise<string> {
    const head = `
from kubernetes import client, config, watch
config.load_kube_config(config_file=${JSON.stringify(subject.server.kubeconfig)})
v1 = client.CoreV1Api()
ns = ${JSON.stringify(namespace)}
`;
    const { stdout } = await promisify(execFile)(python, ['-c', head + text], { timeout: 20_000 });
    return stdout;
  }

  test('creates, reads, patches, lists and deletes', async () => {
    const out = await script(
      await subject.namespace(),
      `
body = client.V1ConfigMap(metadata=client.V1ObjectMeta(name='a', labels={'x': 'y'}), data={'k': 'v'})
print(v1.create_namespaced_config_map(ns, body).metadata.name)
print(v1.patch_namespaced_config_map('a', ns, {'data': {'more': '1'}}).data)
print([c.metadata.name for c in v1.list_namespaced_config_map(ns, label_selector='x=y').items])
print(v1.delete_namespaced_config_map('a', ns).status)
try:
    v1.read_namespaced_config_map('a', ns)
except client.ApiException as e:
    print(e.status, e.reason)
`,
    );
    expect(out).toBe("a\n{'k': 'v', 'more': '1'}\n['a']\nSuccess\n404 Not Found\n");
  });

  test('watches', async () => {
    const out = await script(
      await subject.namespace(),
      `
rv = v1.list_namespaced_config_map(ns).metadata.resource_version
for name in ['a', 'b']:
    v1.create_namespaced_config_map(ns, client.V1ConfigMap(metadata=client.V1ObjectMeta(name=name)))
w = watch.Watch()
for event in w.stream(v1.list_namespaced_config_map, ns, resource_version=rv, timeout_seconds=10):
    print(event['type'], event['object'].metadata.name)
    if event['object'].metadata.name == 'b':
        w.stop()
`,
    );
    expect(out).toBe('ADDED a\nADDED b\n');
  });

  test('the dynamic client finds its way by discovery', async () => {
    const out = await script(
      await subject.namespace(),
      `
import json
from kubernetes import dynamic
d = dynamic.DynamicClient(client.ApiClient())
api = d.resources.get(api_version='apps/v1', kind='Deployment')
spec = {'selector': {'matchLabels': {'a': 'b'}}, 'template': {'metadata': {'labels': {'a': 'b'}}, 'spec': {'containers': [{'name': 'c', 'image': 'i'}]}}}
api.create(namespace=ns, body={'apiVersion': 'apps/v1', 'kind': 'Deployment', 'metadata': {'name': 'd'}, 'spec': spec})
print(api.get(name='d', namespace=ns).spec.replicas)
applied = {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'c'}, 'data': {'k': 'v'}}
maps = d.resources.get(api_version='v1', kind='ConfigMap')
print(maps.server_side_apply(namespace=ns, body=json.dumps(applied), name='c', field_manager='me').data.k)
`,
    );
    expect(out).toBe('1\nv\n');
  });
});
