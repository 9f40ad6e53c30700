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

  test('a custom resource definition and its objects', async () => {
    const ns = await subject.namespace();
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'boats.harbour.example' },
      spec: {
        group: 'harbour.example',
        scope: 'Namespaced',
        names: { kind: 'Boat', plural: 'boats', singular: 'boat', shortNames: ['bo'] },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            additionalPrinterColumns: [{ name: 'Length', type: 'integer', jsonPath: '.spec.length' }],
            schema: {
              openAPIV3Schema: {
                type: 'object',
                description: 'A boat in the harbour.',
                properties: { spec: { type: 'object', properties: { length: { type: 'integer', minimum: 1 } } } },
              },
            },
          },
        ],
      },
    };
    const k = subject.kubectl;
    await k.with({ stdin: JSON.stringify(crd) })`apply -f -`;
    await k`wait crd/boats.harbour.example --for=condition=Established --timeout=10s`;
    const boat = (length: number) =>
      JSON.stringify({ apiVersion: 'harbour.example/v1', kind: 'Boat', metadata: { name: 'kee' }, spec: { length } });
    expect(await k.with({ stdin: boat(9) })`apply -n ${ns} -f -`).toBe('boat.harbour.example/kee created\n');
    expect(await k`get bo -n ${ns} --no-headers`).toMatch(/^kee +9\n$/);
    expect((await k.result({ stdin: boat(0) })`apply -n ${ns} -f -`).stderr).toContain(
      'should be greater than or equal to 1',
    );
    expect(await k`explain boat`).toContain('A boat in the harbour.');
    await k`delete crd boats.harbour.example`;
    expect((await k.result({})`get boats -n ${ns}`).code).toBe(1);
  });
});
