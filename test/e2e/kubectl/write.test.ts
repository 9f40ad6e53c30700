import { expect, test } from 'vitest';
import { onEveryStorage } from '../../support/suite.ts';

interface ConfigMap {
  metadata: {
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    managedFields?: { manager: string }[];
  };
  data?: Record<string, string>;
}

interface Deployment {
  spec: { replicas: number; template: { spec: { containers: { name: string; image: string; env?: unknown[] }[] } } };
}

const configMap = (name: string, data: Record<string, string>) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data });

onEveryStorage('kubectl: writes', [], (subject) => {
  const apply = (ns: string, stdin: string, ...flags: string[]) =>
    subject.kubectl.with({ stdin })`apply -n ${ns} -f - ${flags.join('') || '--output=name'}`;

  test('create in every short form', async () => {
    const ns = await subject.namespace();
    const k = subject.kubectl;
    expect(await k`create configmap c -n ${ns} --from-literal=a=1 --from-literal=b=2`).toBe('configmap/c created\n');
    expect(await k`create secret generic s -n ${ns} --from-literal=p=${'w ord'}`).toBe('secret/s created\n');
    expect(await k`create deployment d -n ${ns} --image=nginx --replicas=3`).toBe('deployment.apps/d created\n');
    expect(await k`create service clusterip web -n ${ns} --tcp=80:8080`).toBe('service/web created\n');
    expect(await k`create job j -n ${ns} --image=busybox -- echo hi`).toBe('job.batch/j created\n');
    expect(await k`create cronjob cj -n ${ns} --image=busybox --schedule=${'*/5 * * * *'}`).toBe(
      'cronjob.batch/cj created\n',
    );
    expect(await k`create serviceaccount sa -n ${ns}`).toBe('serviceaccount/sa created\n');
    expect(await k`create role r -n ${ns} --verb=get,list --resource=pods`).toContain(
      'role.rbac.authorization.k8s.io/r created',
    );
    expect(await k`create rolebinding rb -n ${ns} --role=r --serviceaccount=${`${ns}:sa`}`).toContain('rb created');
    expect(await k`create quota q -n ${ns} --hard=pods=10`).toBe('resourcequota/q created\n');
    expect(await k`create ingress i -n ${ns} --rule=${'example.com/*=web:80'}`).toBe(
      'ingress.networking.k8s.io/i created\n',
    );
    expect(await k`create poddisruptionbudget pdb -n ${ns} --selector=app=d --min-available=1`).toContain(
      'pdb created',
    );
    expect(await k`get secret s -n ${ns} -o jsonpath={.data.p}`).toBe(btoa('w ord'));
    const again = await k.result({})`create configmap c -n ${ns}`;
    expect(again).toMatchObject({
      code: 1,
      stderr: 'error: failed to create configmap: configmaps "c" already exists\n',
    });
  });

  test('an invalid object is refused with the field', async () => {
    const ns = await subject.namespace();
    const { code, stderr } = await subject.kubectl.result({})`create configmap Bad_Name -n ${ns}`;
    expect(code).toBe(1);
    expect(stderr).toContain('ConfigMap "Bad_Name" is invalid: metadata.name: Invalid value: "Bad_Name"');
  });

  test('client-side apply creates, changes what changed, and removes what went', async () => {
    const ns = await subject.namespace();
    expect(await apply(ns, configMap('c', { a: '1', b: '2' }))).toBe('configmap/c\n');
    expect(await subject.kubectl.with({ stdin: configMap('c', { a: '1', b: '2' }) })`apply -n ${ns} -f -`).toBe(
      'configmap/c unchanged\n',
    );
    await subject.kubectl`patch configmap c -n ${ns} -p ${'{"data":{"other":"kept"}}'}`;
    expect(await subject.kubectl.with({ stdin: configMap('c', { a: 'x' }) })`apply -n ${ns} -f -`).toBe(
      'configmap/c configured\n',
    );
    const { data, metadata } = await subject.kubectl.json<ConfigMap>`get configmap c -n ${ns}`;
    expect(data).toEqual({ a: 'x', other: 'kept' });
    expect(metadata.annotations).toHaveProperty(['kubectl.kubernetes.io/last-applied-configuration']);
  });

  test('server-side apply: owners, conflict, force', async () => {
    const ns = await subject.namespace();
    const ssa = (manager: string, value: string, ...force: string[]) =>
      subject.kubectl.result({
        stdin: configMap('c', { a: value }),
      })`apply --server-side --field-manager=${manager} -n ${ns} -f - ${force.length > 0 ? '--force-conflicts' : '--force-conflicts=false'}`;
    expect(await ssa('one', '1')).toMatchObject({ code: 0, stdout: 'configmap/c serverside-applied\n' });
    const conflict = await ssa('two', '2');
    expect(conflict.code).toBe(1);
    expect(conflict.stderr).toContain('Apply failed with 1 conflict: conflict with "one": .data.a');
    expect((await ssa('two', '2', 'force')).code).toBe(0);
    const { metadata } = await subject.kubectl.json<ConfigMap>`get configmap c -n ${ns} --show-managed-fields`;
    expect(metadata.managedFields?.map((entry) => entry.manager)).toEqual(['two']);
  });

  test('diff shows what apply would change', async () => {
    const ns = await subject.namespace();
    await apply(ns, configMap('c', { a: 'before' }));
    const same = await subject.kubectl.result({ stdin: configMap('c', { a: 'before' }) })`diff -n ${ns} -f -`;
    expect(same).toMatchObject({ code: 0, stdout: '' });
    const changed = await subject.kubectl.result({ stdin: configMap('c', { a: 'after' }) })`diff -n ${ns} -f -`;
    expect(changed.code).toBe(1);
    expect(changed.stdout).toMatch(/^- {2}a: before$/m);
    expect(changed.stdout).toMatch(/^\+ {2}a: after$/m);
    const serverSide = await subject.kubectl.result({
      stdin: configMap('c', { b: 'new' }),
    })`diff --server-side -n ${ns} -f -`;
    expect(serverSide.stdout).toMatch(/^\+ {2}b: new$/m);
  });

  test('edit saves what the editor made of it', async () => {
    const ns = await subject.namespace();
    await apply(ns, configMap('c', { a: 'before' }));
    const edit = subject.kubectl.with({ env: { KUBE_EDITOR: "sed -i 's/a: before/a: after/'" } });
    expect(await edit`edit configmap c -n ${ns}`).toBe('configmap/c edited\n');
    expect(await subject.kubectl`get configmap c -n ${ns} -o jsonpath={.data.a}`).toBe('after');
    const unchanged = await subject.kubectl.result({ env: { KUBE_EDITOR: 'true' } })`edit configmap c -n ${ns}`;
    expect(unchanged.stderr).toContain('no changes made');
  });

  test('patch in all three kinds', async () => {
    const ns = await subject.namespace();
    const k = subject.kubectl;
    await k`create deployment d -n ${ns} --image=one`;
    await k`patch deployment d -n ${ns} -p ${'{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"car"}]}}}}'}`;
    await k`patch deployment d -n ${ns} --type=merge -p ${'{"spec":{"replicas":4}}'}`;
    await k`patch deployment d -n ${ns} --type=json -p ${'[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"tug"}]'}`;
    const { spec } = await k.json<Deployment>`get deployment d -n ${ns}`;
    expect(spec.replicas).toBe(4);
    expect(spec.template.spec.containers.map(({ name, image }) => `${name}=${image}`)).toEqual(['side=tug', 'one=one']);
    await k`patch deployment d -n ${ns} --subresource=scale --type=merge -p ${'{"spec":{"replicas":2}}'}`;
    expect(await k`get deployment d -n ${ns} -o jsonpath={.spec.replicas}`).toBe('2');
  });

  test('label, annotate, scale and set', async () => {
    const ns = await subject.namespace();
    const k = subject.kubectl;
    await k`create deployment d -n ${ns} --image=one`;
    expect(await k`label deployment d -n ${ns} tier=web env=dev`).toBe('deployment.apps/d labeled\n');
    expect((await k.result({})`label deployment d -n ${ns} tier=db`).stderr).toContain(
      "'tier' already has a value (web)",
    );
    expect(await k`label deployment d -n ${ns} tier=db env- --overwrite`).toBe('deployment.apps/d modified\n');
    expect(await k`annotate deployment d -n ${ns} note=${'a b'}`).toBe('deployment.apps/d annotated\n');
    expect(await k`set image deployment/d -n ${ns} one=two:1`).toBe('deployment.apps/d image updated\n');
    expect(await k`set env deployment/d -n ${ns} A=1 B=2`).toBe('deployment.apps/d env updated\n');
    expect(await k`set resources deployment/d -n ${ns} --requests=cpu=100m`).toContain('resource requirements updated');
    expect(await k`scale deployment d -n ${ns} --replicas=7`).toBe('deployment.apps/d scaled\n');
    const deployment = await k.json<Deployment & ConfigMap>`get deployment d -n ${ns}`;
    expect(deployment.metadata.labels).toEqual({ app: 'd', tier: 'db' });
    expect(deployment.metadata.annotations).toMatchObject({ note: 'a b' });
    expect(deployment.spec.replicas).toBe(7);
    expect(deployment.spec.template.spec.containers).toMatchObject([
      {
        image: 'two:1',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', value: '2' },
        ],
        resources: { requests: { cpu: '100m' } },
      },
    ]);
  });

  test('replace, and expose', async () => {
    const ns = await subject.namespace();
    const k = subject.kubectl;
    await apply(ns, configMap('c', { a: '1' }));
    expect(await k.with({ stdin: configMap('c', { z: '26' }) })`replace -n ${ns} -f -`).toBe('configmap/c replaced\n');
    expect((await k.json<ConfigMap>`get configmap c -n ${ns}`).data).toEqual({ z: '26' });
    await k`create deployment d -n ${ns} --image=one`;
    expect(await k`expose deployment d -n ${ns} --port=80 --target-port=8080`).toBe('service/d exposed\n');
    expect(await k`get service d -n ${ns} -o jsonpath={.spec.selector.app}/{.spec.ports[0].targetPort}`).toBe('d/8080');
  });

  test('delete one, by label and all', async () => {
    const ns = await subject.namespace();
    const k = subject.kubectl;
    for (const name of ['a', 'b', 'c', 'd']) await apply(ns, configMap(name, {}));
    await k`label configmap b c -n ${ns} gone=yes`;
    expect(await k`delete configmap a -n ${ns}`).toContain('configmap "a" deleted');
    expect(await k`delete configmap -n ${ns} -l gone=yes -o name`).toBe('configmap/b\nconfigmap/c\n');
    expect(await k`get configmap -n ${ns} -o name`).toBe('configmap/d\n');
    expect(await k`delete configmap --all -n ${ns} --dry-run=server -o name`).toBe('configmap/d\n');
    await k`delete configmap --all -n ${ns}`;
    expect(await k`get configmap -n ${ns} -o name`).toBe('');
    const missing = await k.result({})`delete configmap a -n ${ns}`;
    expect(missing.stderr).toContain('Error from server (NotFound): configmaps "a" not found');
    expect(await k`delete configmap a -n ${ns} --ignore-not-found`).toBe('');
  });

  test('dry run on the server changes nothing', async () => {
    const ns = await subject.namespace();
    expect(await subject.kubectl`create configmap c -n ${ns} --dry-run=server`).toBe(
      'configmap/c created (server dry run)\n',
    );
    expect(await subject.kubectl`get configmap -n ${ns} -o name`).toBe('');
  });
});
