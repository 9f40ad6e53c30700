/** What the ports of the scheduler, of the controllers and of the kubelet show. KUBE_COMPONENTS names a folder of upstream's, which proves the tests. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { brokenPromises, readMetrics } from '../support/metrics.ts';
import { freePort, type Program, startProgram } from '../support/process.ts';

/** What docs/metrics.md says that is not told here. */
const LEFT_OUT: readonly string[] = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8')
  .split('## Not told')[1]!
  .split('\n## ')[0]!
  .match(/(?<=`)[a-z][a-z0-9_]+(?=`)/g)!;
const folder = process.env.KUBE_COMPONENTS ?? join(import.meta.dirname, '../../bin');
let server: ApiServer;
beforeAll(async () => {
  server = await startApiServer('memory');
}, 60_000);
afterAll(() => server?.stop());

describe('kube-apiserver', () => {
  it('tells stable metrics as upstream promises them', async () => {
    const client = apiClient(server.url, server.token);
    const rules = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }];
    const group = '/apis/admissionregistration.k8s.io/v1';
    await client.send('POST', `${group}/validatingadmissionpolicies`, {
      metadata: { name: 'p' },
      spec: { matchConstraints: { resourceRules: rules }, validations: [{ expression: 'true' }] },
    });
    await client.send('POST', `${group}/validatingadmissionpolicybindings`, {
      metadata: { name: 'b' },
      spec: { policyName: 'p', validationActions: ['Deny'] },
    });
    await client.send('POST', '/api/v1/namespaces', { metadata: { name: 'metrics' } });
    await client.send('GET', '/api/v1/componentstatuses');
    await client.send('GET', '/readyz');
    const { body } = await client.send('GET', '/metrics');
    const slis = await client.send('GET', '/metrics/slis');
    client.close();
    expect(body).toContain('# TYPE apiserver_request_duration_seconds histogram');
    expect(body).toMatch(/^workqueue_adds_total\{name="APIServiceRegistrationController"\} [1-9]/m);
    expect(brokenPromises('kube-apiserver', body + slis.body)).toEqual([]);
    const left = LEFT_OUT.filter((name) => readMetrics(body).has(name));
    expect(left).toEqual([]);
  });
});

describe.each(['kube-scheduler', 'kube-controller-manager'])('%s', (name) => {
  let program: Program;
  let url: string;
  let client: ApiClient;
  beforeAll(async () => {
    const port = await freePort();
    const access = ['', 'authentication-', 'authorization-'].map((of) => `--${of}kubeconfig=${server.kubeconfig}`);
    const where = [`--secure-port=${port}`, '--bind-address=127.0.0.1'];
    program = startProgram(join(folder, name), [...access, ...where]);
    url = `https://127.0.0.1:${port}`;
    client = apiClient(url, server.token);
    const leads = `leader_election_master_status{name="${name}"} 1`;
    const working = () => client.send('GET', '/metrics').then(({ body }) => expect(body).toContain(leads));
    await vi.waitFor(working, { timeout: 30_000, interval: 250 });
  }, 60_000);
  afterAll(async () => {
    client?.close();
    await program?.stop();
  });

  it('counts its calls, and says what it is', async () => {
    const { body } = await client.send('GET', '/metrics');
    const host = new URL(server.url).host;
    expect(body).toMatch(
      new RegExp(`^rest_client_requests_total\\{code="200",host="${host}",method="GET"\\} [1-9]`, 'm'),
    );
    expect(body).toMatch(
      new RegExp(`^rest_client_request_duration_seconds_count\\{host="${host}",verb="GET"\\} [1-9]`, 'm'),
    );
    expect(body).toMatch(/^kubernetes_build_info\{.*git_version="v1\.36.*\} 1$/m);
    expect(body).toContain('kubernetes_feature_enabled{name="DRAExtendedResource",stage="BETA"} 1');
    expect(body).toMatch(/^process_resident_memory_bytes /m);
  });

  it('tells stable metrics as upstream promises them', async () => {
    const { body } = await client.send('GET', '/metrics');
    await client.send('GET', '/healthz');
    const slis = await client.send('GET', '/metrics/slis');
    expect(brokenPromises(name, body + slis.body)).toEqual([]);
    expect(LEFT_OUT.filter((each) => readMetrics(body).has(each))).toEqual([]);
  });

  it.skipIf(name !== 'kube-controller-manager')('counts what its controllers do', async () => {
    const { body } = await client.send('GET', '/metrics');
    for (const queue of ['deployment', 'replicaset', 'job', 'namespace', 'serviceaccount', 'endpoint_slice']) {
      for (const family of ['depth', 'adds_total', 'retries_total', 'unfinished_work_seconds'])
        expect(body).toContain(`workqueue_${family}{name="${queue}"}`);
    }
    const worked = /^workqueue_work_duration_seconds_count\{name="serviceaccount"\} [1-9]/m;
    await vi.waitFor(async () => expect((await client.send('GET', '/metrics')).body).toMatch(worked), 20_000);
  });

  it('tells of its health checks one by one, and counts them', async () => {
    const checks = name === 'kube-scheduler' ? ['leaderElection'] : ['leaderElection', 'job-controller'];
    const { body } = await client.send('GET', '/healthz?verbose');
    for (const check of checks) expect(body).toContain(`[+]${check} ok\n`);
    expect(body).toContain('\nhealthz check passed\n');
    const slis = await client.send('GET', '/metrics/slis');
    for (const check of checks)
      expect(slis.body).toContain(`kubernetes_healthcheck{name="${check}",type="healthz"} 1\n`);
  });

  it.skipIf(name !== 'kube-scheduler')('tells what pods ask for', async () => {
    const containers = [{ name: 'c', image: 'i', resources: { requests: { cpu: '250m' } } }];
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'asking' }, spec: { containers } };
    const admin = apiClient(server.url, server.token);
    await admin.send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
    await admin.send('POST', '/api/v1/namespaces/default/pods', pod);
    admin.close();
    const asks = /^kube_pod_resource_request\{.*pod="asking".*resource="cpu".*unit="cores"\} 0.25$/m;
    await vi.waitFor(async () => expect((await client.send('GET', '/metrics/resources')).body).toMatch(asks), 10_000);
  });

  it('has /statusz and /flagz, as texts and as objects, for who may see them', async () => {
    const status = await client.send('GET', '/statusz');
    expect(status.body).toContain(`\n${name} statusz\n`);
    expect(status.body).toMatch(/^Paths.*\/configz \/flagz \/healthz/m);
    const accept = 'application/json;g=config.k8s.io;v=v1beta1;as=Flagz';
    const flags = await client.send('GET', '/flagz', undefined, { accept });
    expect(JSON.parse(flags.body)).toMatchObject({
      kind: 'Flagz',
      metadata: { name },
      flags: { 'bind-address': '127.0.0.1', 'leader-elect': 'true' },
    });
    const refused = await client.send('GET', '/statusz', undefined, { accept: 'application/xml' });
    expect(refused.status).toBe(406);
    const stranger = apiClient(url, 'nobody');
    expect((await stranger.send('GET', '/flagz')).status).toBe(401);
    stranger.close();
  });
});

describe('kubelet', () => {
  let program: Program;
  let client: ApiClient;
  beforeAll(async () => {
    const port = await freePort();
    const runtime = process.env.KUBE_COMPONENTS ? [] : ['--container-runtime-endpoint=simulated'];
    const folders = ['root-dir', 'cert-dir'].map((name) => `--${name}=${join(server.directory, name)}`);
    const where = [`--port=${port}`, '--address=127.0.0.1', '--healthz-port=0', '--hostname-override=n'];
    const access = [`--kubeconfig=${server.kubeconfig}`];
    program = startProgram(join(folder, 'kubelet'), [...access, ...runtime, ...folders, ...where]);
    client = apiClient(`https://127.0.0.1:${port}`, server.token);
    const healthy = () => client.send('GET', '/healthz').then(({ body }) => expect(body).toBe('ok'));
    await vi.waitFor(healthy, { timeout: 30_000, interval: 250 });
  }, 60_000);
  afterAll(async () => {
    client?.close();
    await program?.stop();
  });

  it('tells stable metrics as upstream promises them', async () => {
    const paths = ['/metrics', '/metrics/slis', '/metrics/resource', '/metrics/probes'];
    const texts = await Promise.all(paths.map((path) => client.send('GET', path).then(({ body }) => body)));
    expect(texts[1]).toContain('kubernetes_healthcheck{name="syncloop",type="healthz"} 1');
    // Of images' volumes and of the machine's resources there is nothing on a simulated node.
    const broken = brokenPromises('kubelet', texts.join(''));
    expect(broken.filter((each) => !/^(kubelet_image_volume|node)_\w+: not told$/.test(each))).toEqual([]);
  });

  it('has /statusz and /flagz', async () => {
    const status = await client.send('GET', '/statusz');
    expect(status.body).toContain('\nkubelet statusz\n');
    expect(status.body).toMatch(/^Paths.*\/configz \/flagz \/healthz \/metrics/m);
    const accept = 'application/json;g=config.k8s.io;v=v1beta1;as=Flagz';
    const flags = await client.send('GET', '/flagz', undefined, { accept });
    expect(JSON.parse(flags.body)).toMatchObject({ kind: 'Flagz', flags: { 'hostname-override': 'n' } });
    expect((await client.send('GET', '/flagz', undefined, { accept: 'application/xml' })).status).toBe(406);
  });
});
