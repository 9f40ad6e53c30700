import { describe, expect, it } from 'vitest';
import { versionInfo } from '../health/root.ts';
import { flagz } from './flagz.ts';
import { type Page, servePage } from './page.ts';
import { statusz } from './statusz.ts';

const flags = flagz('apiserver', { v: '2', 'bind-address': '0.0.0.0', 'audit-log-path': '' });
const status = statusz({
  component: 'apiserver',
  version: versionInfo({ version: 'v24.1.0', platform: 'linux', arch: 'x64' }),
  startedAt: new Date('2026-11-01T14:45:23.700Z'),
  now: () => new Date('2026-11-02T16:47:30Z'),
  paths: () => [
    '/api',
    '/apis/apps',
    '/healthz',
    '/healthz/ping',
    '/livez',
    '/metrics/slis',
    '/openapi/v2',
    '/version',
  ],
});

const get = (page: Page, accept: string, path = `/${page.kind.toLowerCase()}`) =>
  servePage(page, {
    method: 'GET',
    path,
    query: new URLSearchParams(),
    headers: accept === '' ? {} : { accept },
  });
const HEAD =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n';

describe('as text', () => {
  it.each(['', 'text/plain', '*/*', 'application/json, */*;q=0.5'])('for %j', (accept) => {
    const answer = get(flags, accept);
    expect(answer?.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(answer?.body).toBe(`\napiserver flagz\n${HEAD}audit-log-path=\nbind-address=0.0.0.0\nv=2\n`);
  });
  it('of the status', () => {
    expect(get(status, 'text/plain')?.body).toBe(
      `\napiserver statusz\n${HEAD}\nStarted: Sun Nov  1 14:45:23 UTC 2026\nUp: 26 hr 02 min 06 sec\nGo version: node24.1.0\n` +
        'Binary version: 1.36.2\nEmulation version: 1.36\nPaths: /healthz /livez /metrics /version\n',
    );
  });
});

describe('as an object', () => {
  it('of the flags', () => {
    const answer = get(flags, 'application/json;v=v1beta1;g=config.k8s.io;as=Flagz');
    expect(answer?.headers).toEqual({ 'content-type': 'application/json;g=config.k8s.io;v=v1beta1;as=Flagz' });
    expect(String(answer?.body)).toBe(
      '{"kind":"Flagz","apiVersion":"config.k8s.io/v1beta1","metadata":{"name":"apiserver"},"flags":{"audit-log-path":"","bind-address":"0.0.0.0","v":"2"}}\n',
    );
  });
  it('of the status, in an old version', () => {
    const answer = get(status, 'application/yaml;v=v1alpha1;g=config.k8s.io;as=Statusz');
    expect(answer?.headers.warning).toBe(
      '299 - "This version of the statusz endpoint is deprecated. Please use a newer version."',
    );
    expect(String(answer?.body)).toBe(
      'apiVersion: config.k8s.io/v1alpha1\nbinaryVersion: 1.36.2\nemulationVersion: "1.36"\ngoVersion: node24.1.0\nkind: Statusz\n' +
        'metadata:\n  name: apiserver\npaths:\n- /healthz\n- /livez\n- /metrics\n- /version\nstartTime: "2026-11-01T14:45:23Z"\nuptimeSeconds: 93726\n',
    );
  });
  it.each([
    'application/json',
    'application/json;v=v1;g=config.k8s.io;as=Flagz',
    'application/json;v=v1beta1;g=config.k8s.io;as=Statusz',
    'text/plain;v=v1beta1;g=config.k8s.io;as=Flagz',
    'application/vnd.kubernetes.protobuf',
  ])('not for %s', (accept) => {
    expect(() => get(flags, accept)).toThrow(
      'only the following media types are accepted: application/json, application/yaml, text/plain',
    );
  });
});

it('nothing of other paths', () => {
  expect(get(flags, '', '/flagz/x')).toBeUndefined();
});
