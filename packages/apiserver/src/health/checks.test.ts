import { describe, expect, it } from 'vitest';
import type { PathRequest } from '../http/answer.ts';
import { type HealthCheck, HealthChecks, type HealthOptions } from './checks.ts';
import { BOOT_HOOKS } from './order.ts';

function request(url: string, method = 'GET'): PathRequest {
  const { pathname, searchParams } = new URL(url, 'https://server');
  const user = { name: '', uid: '', groups: [], extra: {} };
  return { method, path: pathname, query: searchParams, headers: {}, user };
}

const passing = (name: string, group?: string): HealthCheck => ({ name, check() {}, ...(group ? { group } : {}) });
const failing = (name: string, reason: string): HealthCheck => ({
  name,
  check: () => Promise.reject(new Error(reason)),
});

function fixture(options: Partial<HealthOptions> = {}): HealthChecks {
  return new HealthChecks({ now: () => 0, ...options });
}

const isHealthy = async (health: HealthChecks, endpoint: string) =>
  (await health.serve(request(`/${endpoint}`)))?.status === 200;

const PLAIN = 'text/plain; charset=utf-8';
const GUARDED = { 'content-type': PLAIN, 'x-content-type-options': 'nosniff' };

describe('an endpoint', () => {
  it('says ok', async () => {
    expect(await fixture().serve(request('/livez'))).toEqual({ status: 200, headers: GUARDED, body: 'ok' });
  });

  it('lists checks when asked, in the order of kube-apiserver, unknown ones before shutdown', async () => {
    const health = fixture();
    health.add(passing('shutdown'), ['readyz']);
    health.add(passing('own'));
    health.addBootHook('rbac/bootstrap-roles')();
    health.add(passing('informer-sync'), ['readyz']);
    health.add(passing('etcd'));
    health.addBootHook('start-apiserver-admission-initializer')();
    const answer = await health.serve(request('/readyz?verbose=no'));
    expect(answer?.body).toBe(
      [
        '[+]ping ok',
        '[+]etcd ok',
        '[+]informer-sync ok',
        '[+]poststarthook/start-apiserver-admission-initializer ok',
        '[+]poststarthook/rbac/bootstrap-roles ok',
        '[+]own ok',
        '[+]shutdown ok',
        'readyz check passed\n',
      ].join('\n'),
    );
    expect((await health.serve(request('/livez?verbose')))?.body).not.toContain('shutdown');
  });

  it('leaves out what is excluded, by name or group, and warns of names that it does not know', async () => {
    const health = fixture();
    health.add(passing('etcd-override-0', 'etcd'));
    health.add(passing('etcd', 'etcd'));
    const answer = await health.serve(request('/livez?verbose&exclude=etcd&exclude=zoo&exclude=bar&exclude=a,b'));
    expect(answer?.body).toBe(
      [
        '[+]ping ok',
        '[+]etcd excluded: ok',
        '[+]etcd-override-0 excluded with etcd: ok',
        'warn: some health checks cannot be excluded: no matches for "a,b","bar","zoo"',
        'livez check passed\n',
      ].join('\n'),
    );
  });

  it('is verbose about failures, but tells the reasons to the log alone', async () => {
    const reasons: unknown[] = [];
    const health = fixture({ onFailure: (endpoint, failures) => reasons.push(endpoint, failures) });
    health.add(failing('etcd', 'context deadline exceeded'));
    expect(await health.serve(request('/healthz'))).toEqual({
      status: 500,
      headers: GUARDED,
      body: '[+]ping ok\n[-]etcd failed: reason withheld\nhealthz check failed\n',
    });
    expect(reasons).toEqual(['healthz', [{ check: 'etcd', reason: 'context deadline exceeded' }]]);
    expect(await isHealthy(health, 'readyz')).toBe(false);
    expect((await health.serve(request('/healthz?exclude=etcd')))?.body).toBe('ok');
  });

  it('reports each check that ran', async () => {
    const results: string[] = [];
    const health = fixture({ onResult: (check, endpoint, healthy) => results.push(`${endpoint} ${check} ${healthy}`) });
    health.add(failing('etcd', 'down'), ['livez']);
    await health.serve(request('/livez?exclude=ping'));
    await health.serve(request('/readyz'));
    expect(results).toEqual(['livez etcd false', 'readyz ping true']);
  });
});

describe('one check', () => {
  it.each([
    ['/livez/ping', 200, 'ok', { 'content-type': PLAIN }],
    ['/livez/etcd', 500, 'internal server error: no leader\n', GUARDED],
    ['/livez/nope', 404, '404 page not found\n', GUARDED],
    ['/livez/', 404, '404 page not found\n', GUARDED],
    ['/livez/poststarthook', 404, '404 page not found\n', GUARDED],
    ['/livez/poststarthook/rbac/bootstrap-roles', 500, 'internal server error: not finished\n', GUARDED],
  ])('%s', async (url, status, body, headers) => {
    const health = fixture({ now: clock(1) });
    health.add(failing('etcd', 'no leader'));
    health.addBootHook('rbac/bootstrap-roles');
    expect(await health.serve(request(url))).toEqual({ status, headers, body });
  });

  it('leaves other paths alone', async () => {
    expect(await fixture().serve(request('/health'))).toBeUndefined();
    expect(await fixture().serve(request('/'))).toBeUndefined();
  });
});

/** Starts at 0 and advances by `step` with every look at it. */
function clock(step: number): () => number {
  let now = -step;
  return () => (now += step);
}

describe('boot hooks', () => {
  it('hold readiness until they are done, and liveness after the grace period', async () => {
    let now = 0;
    const health = fixture({ now: () => now, livezGraceMs: 1000 });
    const done = health.addBootHook('bootstrap-controller');
    const states = async () => [await isHealthy(health, 'livez'), await isHealthy(health, 'readyz')];
    expect(await states()).toEqual([true, false]);
    now = 1001;
    expect(await states()).toEqual([false, false]);
    done();
    expect(await states()).toEqual([true, true]);
  });

  it('have distinct names', () => expect(new Set(BOOT_HOOKS).size).toBe(BOOT_HOOKS.length));
});

it('a check of the same name replaces', async () => {
  const health = fixture();
  health.add(failing('etcd', 'down'));
  health.add(passing('etcd'), ['livez']);
  expect(await isHealthy(health, 'livez')).toBe(true);
  expect(await isHealthy(health, 'healthz')).toBe(false);
  expect(health.paths().filter((p) => p.endsWith('etcd'))).toEqual(['/healthz/etcd', '/livez/etcd', '/readyz/etcd']);
});
