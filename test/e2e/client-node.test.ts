import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  setHeaderOptions,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node';
import { expect, test, vi } from 'vitest';
import { onEveryStorage } from '../support/suite.ts';

onEveryStorage('@kubernetes/client-node', [], (subject) => {
  function configuration(): KubeConfig {
    const config = new KubeConfig();
    config.loadFromFile(subject.server.kubeconfig);
    return config;
  }
  const core = () => configuration().makeApiClient(CoreV1Api);
  const apps = () => configuration().makeApiClient(AppsV1Api);
  const configMap = (name: string, data: Record<string, string> = {}): V1ConfigMap => ({ metadata: { name }, data });

  test('creates, reads, lists, replaces and deletes typed objects', async () => {
    const namespace = await subject.namespace();
    const api = core();
    const made = await api.createNamespacedConfigMap({ namespace, body: configMap('a', { k: '1' }) });
    expect(made.metadata?.creationTimestamp).toBeInstanceOf(Date);
    const read = await api.readNamespacedConfigMap({ namespace, name: 'a' });
    expect(read).toEqual(made);
    const replaced = await api.replaceNamespacedConfigMap({
      namespace,
      name: 'a',
      body: { ...read, data: { k: '2' } },
    });
    expect(Number(replaced.metadata?.resourceVersion)).toBeGreaterThan(Number(made.metadata?.resourceVersion));
    const stale = api.replaceNamespacedConfigMap({ namespace, name: 'a', body: { ...read, data: { k: '3' } } });
    await expect(stale).rejects.toMatchObject({ code: 409 });
    const { items } = await api.listNamespacedConfigMap({ namespace });
    expect(items.map((item) => item.data)).toEqual([{ k: '2' }]);
    expect(await api.deleteNamespacedConfigMap({ namespace, name: 'a' })).toMatchObject({ status: 'Success' });
    await expect(api.readNamespacedConfigMap({ namespace, name: 'a' })).rejects.toThrow(ApiException);
  });

  test('an error carries the Status', async () => {
    const namespace = await subject.namespace();
    const error = await core()
      .readNamespacedPod({ namespace, name: 'nope' })
      .catch((e: ApiException<string>) => e);
    expect(error).toMatchObject({ code: 404 });
    expect(JSON.parse((error as ApiException<string>).body)).toMatchObject({
      kind: 'Status',
      reason: 'NotFound',
      message: 'pods "nope" not found',
      details: { name: 'nope', kind: 'pods' },
    });
  });

  test('patches in each of the four kinds', async () => {
    const namespace = await subject.namespace();
    const api = core();
    await api.createNamespacedConfigMap({ namespace, body: configMap('a', { one: '1', two: '2' }) });
    const patch = async (strategy: string, body: unknown) =>
      (
        await api.patchNamespacedConfigMap(
          { namespace, name: 'a', body, ...(strategy === PatchStrategy.ServerSideApply ? { fieldManager: 'me' } : {}) },
          setHeaderOptions('Content-Type', strategy),
        )
      ).data;
    expect(await patch(PatchStrategy.MergePatch, { data: { one: null, three: '3' } })).toEqual({
      two: '2',
      three: '3',
    });
    expect(await patch(PatchStrategy.StrategicMergePatch, { data: { $patch: 'replace', x: 'y' } })).toEqual({ x: 'y' });
    expect(await patch(PatchStrategy.JsonPatch, [{ op: 'add', path: '/data/j', value: 's' }])).toEqual({
      x: 'y',
      j: 's',
    });
    const applied = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' }, data: { mine: 'yes' } };
    expect(await patch(PatchStrategy.ServerSideApply, applied)).toEqual({ x: 'y', j: 's', mine: 'yes' });
  });

  test('subresources: status and scale', async () => {
    const namespace = await subject.namespace();
    const api = apps();
    const labels = { app: 'a' };
    await api.createNamespacedDeployment({
      namespace,
      body: {
        metadata: { name: 'a' },
        spec: {
          selector: { matchLabels: labels },
          template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'i' }] } },
        },
      },
    });
    const scale = await api.readNamespacedDeploymentScale({ namespace, name: 'a' });
    expect(scale.spec?.replicas).toBe(1);
    await api.replaceNamespacedDeploymentScale({ namespace, name: 'a', body: { ...scale, spec: { replicas: 5 } } });
    const deployment = await api.readNamespacedDeployment({ namespace, name: 'a' });
    expect(deployment.spec?.replicas).toBe(5);
    const body = { ...deployment, spec: { ...deployment.spec!, replicas: 9 }, status: { replicas: 5 } };
    const after = await api.replaceNamespacedDeploymentStatus({ namespace, name: 'a', body });
    expect([after.spec?.replicas, after.status?.replicas]).toEqual([5, 5]);
  });

  test('pages through a list', async () => {
    const namespace = await subject.namespace();
    const api = core();
    for (const name of ['a', 'b', 'c']) await api.createNamespacedConfigMap({ namespace, body: configMap(name) });
    const names: string[] = [];
    let next: string | undefined;
    do {
      const page = await api.listNamespacedConfigMap({ namespace, limit: 2, ...(next ? { _continue: next } : {}) });
      names.push(...page.items.map((item) => item.metadata!.name!));
      next = page.metadata?._continue;
    } while (next);
    expect(names).toEqual(['a', 'b', 'c']);
  });

  test('watches from a revision', async () => {
    const namespace = await subject.namespace();
    const api = core();
    const { metadata } = await api.listNamespacedConfigMap({ namespace });
    await api.createNamespacedConfigMap({ namespace, body: configMap('a') });
    const seen: string[] = [];
    const abort = await new Watch(configuration()).watch(
      `/api/v1/namespaces/${namespace}/configmaps`,
      { resourceVersion: metadata?.resourceVersion, allowWatchBookmarks: true },
      (phase, object: V1ConfigMap) => seen.push(`${phase} ${object.metadata?.name}`),
      () => {},
    );
    await api.createNamespacedConfigMap({ namespace, body: configMap('b') });
    await api.deleteNamespacedConfigMap({ namespace, name: 'a' });
    await vi.waitFor(() => expect(seen).toEqual(['ADDED a', 'ADDED b', 'DELETED a']), { timeout: 5000 });
    abort.abort();
  });

  test('an informer follows its objects', async () => {
    const namespace = await subject.namespace();
    const api = core();
    await api.createNamespacedConfigMap({ namespace, body: configMap('before') });
    const informer = makeInformer(configuration(), `/api/v1/namespaces/${namespace}/configmaps`, () =>
      api.listNamespacedConfigMap({ namespace }),
    );
    const seen: string[] = [];
    for (const verb of ['add', 'update', 'delete'] as const) {
      informer.on(verb, (object: V1ConfigMap) => seen.push(`${verb} ${object.metadata?.name}`));
    }
    await informer.start();
    await api.createNamespacedConfigMap({ namespace, body: configMap('after') });
    await api.patchNamespacedConfigMap(
      { namespace, name: 'after', body: { data: { k: 'v' } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
    await api.deleteNamespacedConfigMap({ namespace, name: 'before' });
    const expected = ['add before', 'add after', 'update after', 'delete before'];
    await vi.waitFor(() => expect(seen).toEqual(expected), { timeout: 5000 });
    expect(informer.list().map((object) => object.data)).toEqual([{ k: 'v' }]);
    await informer.stop();
  });

  test('objects of a kind it does not know', async () => {
    const namespace = await subject.namespace();
    const objects = KubernetesObjectApi.makeApiClient(configuration());
    const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'a', namespace } };
    await objects.create(lease);
    expect(await objects.read(lease)).toMatchObject(lease);
    const custom = configuration().makeApiClient(CustomObjectsApi);
    const list = await custom.listNamespacedCustomObject({
      group: 'coordination.k8s.io',
      version: 'v1',
      namespace,
      plural: 'leases',
    });
    expect(list).toMatchObject({ kind: 'LeaseList', items: [{ metadata: { name: 'a' } }] });
  });
});
