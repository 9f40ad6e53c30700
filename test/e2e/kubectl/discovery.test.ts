import { expect, test } from 'vitest';
import { onEveryStorage } from '../../support/suite.ts';

onEveryStorage('kubectl: discovery', [], (subject) => {
  test('api-resources lists every kind with its short names', async () => {
    const rows = (await subject.kubectl`api-resources --no-headers`)
      .split('\n')
      .map((line) => line.trim().split(/\s+/));
    expect(rows).toContainEqual(['pods', 'po', 'v1', 'true', 'Pod']);
    expect(rows).toContainEqual(['deployments', 'deploy', 'apps/v1', 'true', 'Deployment']);
    expect(rows).toContainEqual(['clusterroles', 'rbac.authorization.k8s.io/v1', 'false', 'ClusterRole']);
    expect(rows.length).toBeGreaterThan(50);
  });

  test('api-resources selects by group, scope and verb', async () => {
    const names = (await subject.kubectl`api-resources --api-group=apps --namespaced=true --verbs=list -o name`).trim();
    expect(names.split('\n').sort()).toEqual([
      'controllerrevisions.apps',
      'daemonsets.apps',
      'deployments.apps',
      'replicasets.apps',
      'statefulsets.apps',
    ]);
  });

  test('api-versions', async () => {
    const versions = (await subject.kubectl`api-versions`).trim().split('\n');
    expect(versions).toEqual(expect.arrayContaining(['v1', 'apps/v1', 'batch/v1', 'rbac.authorization.k8s.io/v1']));
  });

  test('version', async () => {
    const { serverVersion } = await subject.kubectl.json<{ serverVersion: { gitVersion: string } }>`version`;
    expect(serverVersion.gitVersion).toMatch(/^v1\.36\./);
  });

  test('explain knows the fields and their documentation', async () => {
    const text = await subject.kubectl`explain pod.spec.containers`;
    expect(text).toContain('KIND:       Pod');
    expect(text).toContain('FIELD: containers <[]Container>');
    expect(text).toMatch(/imagePullPolicy\s+<string>/);
    const leaf = await subject.kubectl`explain deployment.spec.replicas`;
    expect(leaf).toContain('GROUP:      apps');
    expect(leaf).toContain('FIELD: replicas <integer>');
    expect(leaf.split('DESCRIPTION:')[1]?.trim()).not.toBe('');
  });

  test('explain --recursive', async () => {
    expect(await subject.kubectl`explain configmap --recursive`).toMatch(/immutable\s+<boolean>/);
  });

  test('an unknown kind is named', async () => {
    const { code, stderr } = await subject.kubectl.result({})`get unicorns`;
    expect(code).toBe(1);
    expect(stderr).toContain('error: the server doesn\'t have a resource type "unicorns"');
  });
});
