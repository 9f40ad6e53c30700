import { get } from 'node:http';
import { expect, test, vi } from 'vitest';
import { onEveryStorage } from '../../support/suite.ts';

onEveryStorage('kubectl: watches and proxy', [], (subject) => {
  test('get -w shows each change', async () => {
    const ns = await subject.namespace();
    const watch = subject.kubectl.start`get configmaps -n ${ns} -w --output-watch-events --no-headers`;
    try {
      await vi.waitFor(
        async () => {
          await subject.kubectl`create configmap probe -n ${ns}`.catch(() => {});
          expect(watch.output()).toContain('probe');
        },
        { timeout: 10_000, interval: 200 },
      );
      await subject.kubectl`create configmap a -n ${ns}`;
      await subject.kubectl`patch configmap a -n ${ns} -p ${'{"data":{"k":"v"}}'}`;
      await subject.kubectl`delete configmap a -n ${ns}`;
      await vi.waitFor(() => expect(watch.output()).toMatch(/DELETED +a/), { timeout: 10_000 });
      const changes = watch
        .output()
        .split('\n')
        .map((line) => line.split(/\s+/).slice(0, 3).join(' '));
      expect(changes.filter((line) => / a /.test(line))).toEqual(['ADDED a 0', 'MODIFIED a 1', 'DELETED a 1']);
    } finally {
      await watch.stop();
    }
  });

  test('wait for a condition, a value, and the end', async () => {
    const ns = await subject.namespace();
    const k = subject.kubectl;
    await k`create deployment d -n ${ns} --image=nginx`;
    const condition = k`wait deployment/d -n ${ns} --for=condition=Available --timeout=10s`;
    const status = {
      status: { conditions: [{ type: 'Available', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
    };
    await k`patch deployment d -n ${ns} --subresource=status --type=merge -p ${JSON.stringify(status)}`;
    expect(await condition).toBe('deployment.apps/d condition met\n');
    const value = k`wait deployment/d -n ${ns} --for=jsonpath={.spec.replicas}=3 --timeout=10s`;
    await k`scale deployment d -n ${ns} --replicas=3`;
    expect(await value).toBe('deployment.apps/d condition met\n');
    const gone = k`wait deployment/d -n ${ns} --for=delete --timeout=10s`;
    await k`delete deployment d -n ${ns}`;
    await gone;
    const late = await k.result({})`wait deployment/nope -n ${ns} --for=condition=Available --timeout=1s`;
    expect(late.stderr).toContain('deployments.apps "nope" not found');
  });

  test('proxy', async () => {
    const ns = await subject.namespace();
    await subject.kubectl`create configmap a -n ${ns}`;
    const proxy = subject.kubectl.start`proxy --port=0`;
    try {
      const port = await vi.waitFor(
        () => {
          const [, port] = /127\.0\.0\.1:(\d+)/.exec(proxy.output()) ?? [];
          expect(port).toBeDefined();
          return port!;
        },
        { timeout: 10_000 },
      );
      const body = await new Promise<string>((resolve, reject) => {
        get(`http://127.0.0.1:${port}/api/v1/namespaces/${ns}/configmaps/a`, (response) => {
          let text = '';
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => resolve(text));
        }).once('error', reject);
      });
      expect(JSON.parse(body)).toMatchObject({ kind: 'ConfigMap', metadata: { name: 'a' } });
    } finally {
      await proxy.stop();
    }
  });

  test('get --raw', async () => {
    expect(await subject.kubectl`get --raw /healthz`).toBe('ok');
    expect(JSON.parse(await subject.kubectl`get --raw ${'/api/v1/namespaces?limit=1'}`)).toMatchObject({
      kind: 'NamespaceList',
    });
    expect(await subject.kubectl`get --raw ${'/readyz?verbose'}`).toMatch(/readyz check passed\n$/);
  });
});
