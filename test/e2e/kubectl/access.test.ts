import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { kubeconfigFor } from '../../support/api-server.ts';
import { kubectl } from '../../support/kubectl.ts';
import { onEveryStorage } from '../../support/suite.ts';

onEveryStorage('kubectl: access', [], (subject) => {
  test('auth whoami', async () => {
    const review = await subject.kubectl.json<{ status: { userInfo: object } }>`auth whoami`;
    expect(review.status.userInfo).toMatchObject({
      username: 'admin',
      uid: 'admin-uid',
      groups: ['system:masters', 'system:authenticated'],
    });
  });

  test('auth can-i for oneself and for others', async () => {
    const ns = await subject.namespace();
    const k = subject.kubectl;
    await k`create role reader -n ${ns} --verb=get,list --resource=configmaps`;
    await k`create rolebinding reader -n ${ns} --role=reader --user=jane`;
    expect(await k`auth can-i delete nodes`).toBe('yes\n');
    expect(await k`auth can-i list configmaps -n ${ns} --as=jane`).toBe('yes\n');
    expect(await k.result({})`auth can-i delete configmaps -n ${ns} --as=jane`).toMatchObject({
      code: 1,
      stdout: 'no\n',
    });
    expect(await k`auth can-i --list -n ${ns} --as=jane --no-headers`).toMatch(
      /^configmaps +\[\] +\[\] +\[get list\]$/m,
    );
    const refused = await k.result({})`get secrets -n ${ns} --as=jane`;
    expect(refused.stderr).toBe(
      `Error from server (Forbidden): secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "${ns}"\n`,
    );
  });

  test('a service account acts with the token made for it', async () => {
    const ns = await subject.namespace();
    await subject.kubectl`create serviceaccount robot -n ${ns}`;
    await subject.kubectl`create role robot -n ${ns} --verb=list --resource=configmaps`;
    await subject.kubectl`create rolebinding robot -n ${ns} --role=robot --serviceaccount=${`${ns}:robot`}`;
    const token = (await subject.kubectl`create token robot -n ${ns} --duration=20m`).trim();
    const config = join(subject.server.directory, 'robot');
    await writeFile(config, JSON.stringify(kubeconfigFor(subject.server.url, subject.server.ca, { token })));
    const robot = kubectl(config);
    expect(await robot`auth whoami -o jsonpath={.status.userInfo.username}`).toBe(`system:serviceaccount:${ns}:robot`);
    expect(await robot`get configmaps -n ${ns} -o name`).toBe('');
    expect((await robot.result({})`create configmap c -n ${ns}`).stderr).toContain('is forbidden');
    await writeFile(
      config,
      JSON.stringify(kubeconfigFor(subject.server.url, subject.server.ca, { token: `${token}x` })),
    );
    expect((await robot.result({})`get configmaps -n ${ns}`).stderr).toContain('Unauthorized');
  });

  test('auth reconcile', async () => {
    const ns = await subject.namespace();
    const role = (verbs: string[]) =>
      JSON.stringify({
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'Role',
        metadata: { name: 'r', namespace: ns },
        rules: [{ apiGroups: [''], resources: ['pods'], verbs }],
      });
    await subject.kubectl.with({ stdin: role(['get']) })`auth reconcile -f -`;
    await subject.kubectl.with({ stdin: role(['list']) })`auth reconcile -f -`;
    const { rules } = await subject.kubectl.json<{ rules: { verbs: string[] }[] }>`get role r -n ${ns}`;
    expect(rules.flatMap((rule) => rule.verbs).sort()).toEqual(['get', 'list']);
  });

  test('certificate requests are approved', async () => {
    const { createCertificateRequest } = await import('../../support/certificate-request.ts');
    const csr = {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: 'csr' },
      spec: {
        request: btoa(await createCertificateRequest('jane')),
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
      },
    };
    await subject.kubectl.with({ stdin: JSON.stringify(csr) })`create -f -`;
    expect(await subject.kubectl`certificate approve csr`).toContain(
      'certificatesigningrequest.certificates.k8s.io/csr approved',
    );
    expect(await subject.kubectl`get csr csr --no-headers`).toMatch(/ admin +\S+ +Approved$/m);
  });
});
