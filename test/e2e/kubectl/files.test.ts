import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { onEveryStorage } from '../../support/suite.ts';

onEveryStorage('kubectl: files', [], (subject) => {
  /** A directory with these files. */
  async function directory(name: string, files: Record<string, string>): Promise<string> {
    const path = join(subject.server.directory, name);
    for (const [file, text] of Object.entries(files)) {
      await mkdir(join(path, file, '..'), { recursive: true });
      await writeFile(join(path, file), text);
    }
    return path;
  }

  const documents = `# several documents, one of them empty
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data:
  answer: "on"
  port: "080"
---
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{port: 80, targetPort: http}]
`;

  test('several documents in a file', async () => {
    const ns = await subject.namespace();
    const path = await directory('documents', { 'all.yaml': documents });
    expect(await subject.kubectl`apply -n ${ns} -f ${join(path, 'all.yaml')}`).toBe(
      'configmap/a created\nservice/web created\n',
    );
    const map = await subject.kubectl.json<{ data: object }>`get configmap a -n ${ns}`;
    expect(map.data).toEqual({ answer: 'on', port: '080' });
    expect(await subject.kubectl`delete -n ${ns} -f ${join(path, 'all.yaml')}`).toContain('service "web" deleted');
  });

  test('a List, JSON and a folder', async () => {
    const ns = await subject.namespace();
    const item = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } });
    const path = await directory('folder', {
      'a.json': JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [item('one'), item('two')] }),
      'b.yml': JSON.stringify(item('three')),
      'deep/c.yaml': JSON.stringify(item('four')),
      'ignored.txt': 'no manifest',
    });
    expect(await subject.kubectl`create -n ${ns} -f ${path}`).toBe(
      'configmap/one created\nconfigmap/two created\nconfigmap/three created\n',
    );
    expect(await subject.kubectl`apply -n ${ns} -R -f ${path} -o name --server-side --force-conflicts`).toContain(
      'configmap/four\n',
    );
  });

  test('kustomize', async () => {
    const ns = await subject.namespace();
    const path = await directory('kustomize', {
      'base/kustomization.yaml': 'resources: [deployment.yaml]\n',
      'base/deployment.yaml': JSON.stringify({
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: {
          selector: { matchLabels: { app: 'web' } },
          template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
        },
      }),
      'overlay/kustomization.yaml': `namespace: ${ns}
namePrefix: dev-
resources: [../base]
images: [{name: nginx, newTag: "1.29"}]
replicas: [{name: web, count: 2}]
configMapGenerator: [{name: settings, literals: [a=b]}]
`,
    });
    expect(await subject.kubectl`apply -k ${join(path, 'overlay')}`).toMatch(
      /^configmap\/dev-settings-\w+ created\ndeployment.apps\/dev-web created\n$/,
    );
    expect(
      await subject.kubectl`get deployment dev-web -n ${ns} -o jsonpath={.spec.replicas}/{.spec.template.spec.containers[0].image}`,
    ).toBe('2/nginx:1.29');
  });

  test('apply --prune removes what left the files', async () => {
    const ns = await subject.namespace();
    const item = (name: string) => ({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace: ns, labels: { set: 'x' } },
    });
    const path = await directory('prune', { 'a.yaml': JSON.stringify(item('a')), 'b.yaml': JSON.stringify(item('b')) });
    const apply = () => subject.kubectl`apply -n ${ns} -f ${path} --prune -l set=x --prune-allowlist=core/v1/ConfigMap`;
    await apply();
    await writeFile(join(path, 'b.yaml'), '');
    expect(await apply()).toBe('configmap/a unchanged\nconfigmap/b pruned\n');
  });

  test('an unknown field is refused by strict validation', async () => {
    const ns = await subject.namespace();
    const stdin = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"},"dat":{}}';
    const { code, stderr } = await subject.kubectl.result({ stdin })`create -n ${ns} -f -`;
    expect(code).toBe(1);
    expect(stderr).toContain('strict decoding error: unknown field "dat"');
    const warned = await subject.kubectl.result({ stdin })`create -n ${ns} --validate=warn -f -`;
    expect(warned).toMatchObject({ code: 0, stderr: 'Warning: unknown field "dat"\n' });
  });
});
