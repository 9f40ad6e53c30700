import { FeatureGates } from '@keelson/component/featuregate/featuregate';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { Store } from '@keelson/storage/store';
import { describe, expect, it } from 'vitest';
import { versionInfo } from '../health/root.ts';
import { parseRequestInfo } from '../requestinfo.ts';
import { dryRunOf, labelsOfPath, labelsOfResource } from './labels.ts';
import { RequestMetrics } from './requests.ts';
import { ServerMetrics } from './server-metrics.ts';
import { resourceByKey, storeObserver } from './store.ts';

/** Only the lines of one family, without its head. */
async function samples(registry: MetricsRegistry, name: string): Promise<string[]> {
  return (await registry.text()).split('\n').filter((line) => line.startsWith(name));
}

describe('labels', () => {
  it.each([
    ['GET', '/api/v1/pods', 'LIST cluster'],
    ['GET', '/api/v1/namespaces/a/pods', 'LIST namespace'],
    ['HEAD', '/api/v1/namespaces/a/pods/b', 'GET resource'],
    ['GET', '/api/v1/namespaces/a/pods?watch=true', 'WATCH namespace'],
    ['GET', '/api/v1/watch/pods', 'WATCH cluster'],
    ['POST', '/api/v1/namespaces/a/pods', 'POST resource'],
    ['PUT', '/api/v1/namespaces/a/pods/b/status', 'PUT resource'],
    ['DELETE', '/api/v1/namespaces/a/pods', 'DELETE namespace'],
    ['PATCH', '/api/v1/nodes/a', 'PATCH resource'],
    ['GET', '/api/v1/namespaces/a/pods/b/log', 'CONNECT resource'],
    ['POST', '/api/v1/namespaces/a/pods/b/exec', 'CONNECT resource'],
    ['PROPFIND', '/api/v1/pods', 'other cluster'],
  ])('%s %s is %s', (method, url, expected) => {
    const { verb, scope } = labelsOfResource(parseRequestInfo(method, url), method, 'application/json');
    expect(`${verb} ${scope}`).toBe(expected);
  });

  it('of an apply, and of a subresource', () => {
    const info = parseRequestInfo('PATCH', '/apis/apps/v1/namespaces/a/deployments/b/scale');
    expect(labelsOfResource(info, 'PATCH', 'application/apply-patch+yaml')).toEqual({
      verb: 'APPLY',
      group: 'apps',
      version: 'v1',
      resource: 'deployments',
      subresource: 'scale',
      scope: 'resource',
    });
  });

  it('of a path', () => {
    expect(labelsOfPath('/livez', 'HEAD')).toMatchObject({
      verb: 'GET',
      resource: '',
      subresource: '/livez',
      scope: '',
    });
    expect(labelsOfPath('/livez', 'FOO').verb).toBe('other');
  });

  it.each([
    ['', ''],
    ['dryRun=All', 'All'],
    ['dryRun=All&dryRun=All', 'All'],
    ['dryRun=Some', 'invalid'],
    ['dryRun=', 'invalid'],
  ])('dry run of ?%s', (query, expected) => expect(dryRunOf(new URLSearchParams(query))).toBe(expected));
});

describe('requests', () => {
  const labels = labelsOfResource(parseRequestInfo('GET', '/api/v1/namespaces/a/pods'), 'GET', '');

  it('are counted by outcome, timed, and their answers measured', async () => {
    let now = 0;
    const registry = new MetricsRegistry();
    const requests = new RequestMetrics(registry, () => now);
    const first = requests.start(labels, '');
    now = 30;
    first.end(200, 5000);
    requests.start(labels, '').end(410, 10);
    const common =
      'component="apiserver",group="",resource="pods",scope="namespace",subresource="",verb="LIST",version="v1"';
    expect(await samples(registry, 'apiserver_request_total')).toEqual([
      `apiserver_request_total{code="200",${common.replace(',group', ',dry_run="",group')}} 1`,
      `apiserver_request_total{code="410",${common.replace(',group', ',dry_run="",group')}} 1`,
    ]);
    const durations = await samples(registry, 'apiserver_request_duration_seconds_');
    expect(durations.filter((line) => /le="(0.025|0.05)"|_sum/.test(line)).map((line) => line.split(' ')[1])).toEqual([
      '1',
      '2',
      '0.03',
    ]);
    expect((await samples(registry, 'apiserver_response_sizes_sum'))[0]).toBe(
      `apiserver_response_sizes_sum{${common}} 5010`,
    );
    expect(await samples(registry, 'apiserver_request_sli_duration_seconds_count')).toHaveLength(1);
  });

  it('that are dry runs are no indicator of the service level, nor are writes measured', async () => {
    const registry = new MetricsRegistry();
    const post = labelsOfResource(parseRequestInfo('POST', '/api/v1/namespaces/a/pods'), 'POST', '');
    new RequestMetrics(registry, () => 0).start(post, 'All').end(201, 100);
    expect(await samples(registry, 'apiserver_request_sli')).toEqual([]);
    expect(await samples(registry, 'apiserver_response_sizes')).toEqual([]);
    expect((await samples(registry, 'apiserver_request_total'))[0]).toContain('dry_run="All"');
  });

  it('that last are shown while they do', async () => {
    const registry = new MetricsRegistry();
    const watch = labelsOfResource(parseRequestInfo('GET', '/api/v1/pods?watch=1'), 'GET', '');
    const requests = new RequestMetrics(registry, () => 0);
    const [one, two] = [requests.start(watch, ''), requests.start(watch, '')];
    one.end(200, 0);
    const running = async () => (await samples(registry, 'apiserver_longrunning_requests'))[0]?.split(' ').at(-1);
    expect(await running()).toBe('1');
    two.end(200, 0);
    expect(await running()).toBe('0');
  });
});

describe('the store', () => {
  const resources = [
    { prefix: '/registry/services/specs', group: '', resource: 'services' },
    { prefix: '/registry/deployments', group: 'apps', resource: 'deployments' },
  ];
  const find = resourceByKey({ size: resources.length, values: () => resources });

  it.each([
    ['/registry/services/specs/default/a', 'services'],
    ['/registry/deployments/default/a', 'deployments'],
    ['/registry/deployments/', 'deployments'],
    ['/registry/ranges/serviceips', 'other'],
    ['/registry/', 'other'],
    ['/', 'other'],
  ])('%s holds %s', (key, resource) => expect(find(key).resource).toBe(resource));

  it('is timed by operation, and its errors counted', async () => {
    const registry = new MetricsRegistry();
    let now = 0;
    const store = {
      put: async () => {
        now += 7;
        return { ok: true, revision: 1 };
      },
      get: () => Promise.reject(new Error('down')),
      list: async () => ({ kvs: [{}, {}], revision: 1 }),
    } as unknown as Store;
    const observed = storeObserver(registry, find, () => now)(store);
    await observed.put('/registry/deployments/a/b', new Uint8Array(), { expect: 0 });
    await observed.put('/registry/deployments/a/b', new Uint8Array(), { expect: 3 });
    await expect(observed.get('/registry/deployments/a/b')).rejects.toThrow('down');
    await observed.list({ prefix: '/registry/services/specs/' });
    const listed = '{group="",resource="services"}';
    expect(await samples(registry, 'apiserver_storage_list')).toEqual([
      `apiserver_storage_list_fetched_objects_total${listed} 2`,
      `apiserver_storage_list_total${listed} 1`,
    ]);
    expect(await samples(registry, 'etcd_requests_total')).toEqual([
      'etcd_requests_total{group="",operation="list",resource="services"} 1',
      'etcd_requests_total{group="apps",operation="create",resource="deployments"} 1',
      'etcd_requests_total{group="apps",operation="get",resource="deployments"} 1',
      'etcd_requests_total{group="apps",operation="update",resource="deployments"} 1',
    ]);
    expect(await samples(registry, 'etcd_request_errors_total')).toHaveLength(1);
    expect((await samples(registry, 'etcd_request_duration_seconds_sum'))[1]).toMatch(/ 0.007$/);
  });
});

describe('paths', () => {
  const user = { name: '', uid: '', groups: [], extra: {} };
  const get = (metrics: ServerMetrics, path: string) =>
    metrics.serve({ method: 'GET', path, query: new URLSearchParams(), headers: {}, user });

  it('/metrics has everything, /metrics/slis the health checks', async () => {
    let now = 0;
    const metrics = new ServerMetrics(() => now);
    metrics.follow({
      gates: new FeatureGates(new Map([['ClusterTrustBundle', true]])),
      version: versionInfo({ version: 'v24.0.0', platform: 'linux', arch: 'x64' }),
      inflight: () => ({ reads: 2, writes: 1 }),
      objects: () => [
        { group: '', resource: 'pods', count: 5, bytes: 4000, revision: 77, events: 9, loads: 2 },
        { group: 'apps', resource: 'deployments', count: 1, bytes: 900, revision: 70, events: 0, loads: 1 },
      ],
      storeSize: () => Promise.resolve(4096),
    });
    metrics.health.record('etcd', 'livez', true);
    metrics.health.record('etcd', 'livez', false);
    metrics.watch('', 'v1', 'pods').events.inc(3);
    const labels = labelsOfResource(parseRequestInfo('GET', '/api/v1/endpoints?watch=1'), 'GET', '');
    const listed = metrics.startWatchList(labels);
    now = 250;
    listed();
    metrics.requests.deprecated(labels, '1.40');
    metrics.requests.dropped(labels, '');
    metrics.streamed('exec', true);
    const all = await get(metrics, '/metrics');
    expect(all?.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8; escaping=underscores');
    expect(Number(all?.headers['process-start-time-unix'])).toBeGreaterThan(1e9);
    for (const line of [
      'apiserver_current_inflight_requests{request_kind="mutating"} 1',
      'apiserver_current_inflight_requests{request_kind="readOnly"} 2',
      'apiserver_storage_objects{resource="pods"} 5',
      'apiserver_storage_objects{resource="deployments.apps"} 1',
      'apiserver_websocket_streaming_requests_total{proxy_type="proxied_to_kubelet",subresource="exec"} 1',
      'apiserver_resource_objects{group="apps",resource="deployments"} 1',
      'apiserver_resource_size_estimate_bytes{group="",resource="pods"} 4000',
      'apiserver_watch_cache_resource_version{group="",resource="pods"} 77',
      'apiserver_watch_cache_events_received_total{group="",resource="pods"} 9',
      'apiserver_watch_cache_events_dispatched_total{group="",resource="pods"} 9',
      'apiserver_watch_cache_initializations_total{group="apps",resource="deployments"} 1',
      'apiserver_storage_size_bytes{storage_cluster_id="etcd-0"} 4096',
      'apiserver_watch_list_duration_seconds_sum{group="",resource="endpoints",scope="cluster",version="v1"} 0.25',
      'apiserver_requested_deprecated_apis{group="",removed_release="1.40",resource="endpoints",subresource="",version="v1"} 1',
      'apiserver_request_terminations_total{code="429",component="apiserver",group="",resource="endpoints",scope="cluster",subresource="",verb="WATCH",version="v1"} 1',
      'kubernetes_feature_enabled{name="ClusterTrustBundle",stage="BETA"} 1',
      'kubernetes_feature_enabled{name="GenericWorkload",stage="ALPHA"} 0',
      'apiserver_watch_events_total{group="",resource="pods",version="v1"} 3',
    ]) {
      expect(String(all?.body).split('\n')).toContain(line);
    }
    const slis = await get(metrics, '/metrics/slis');
    expect(slis?.headers['process-start-time-unix']).toBe(all?.headers['process-start-time-unix']);
    expect(String(slis?.body).match(/^kubernetes.*/gm)).toEqual([
      'kubernetes_healthcheck{name="etcd",type="livez"} 0',
      'kubernetes_healthchecks_total{name="etcd",status="error",type="livez"} 1',
      'kubernetes_healthchecks_total{name="etcd",status="success",type="livez"} 1',
    ]);
    expect(await get(metrics, '/metrics/')).toBeUndefined();
  });
});
