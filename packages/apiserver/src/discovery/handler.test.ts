import fs from 'node:fs';
import path from 'node:path';
import { StatusError } from '@keelson/api/errors';
import { describe, expect, it } from 'vitest';
import type { Answer, PathRequest } from '../http/answer.ts';
import { builtinApiGroups } from './builtin.ts';
import type { ApiResource } from './documents.ts';
import type { ApiGroups } from './groups.ts';
import { serveDiscovery } from './handler.ts';
import { CUSTOM_RESOURCE_PRIORITY } from './priorities.ts';
import { enabledGroups } from './runtime-config.ts';

const AGGREGATED = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
const USER = { name: 'tester', uid: '', groups: [], extra: {} };
const ALL_GATES = () => true;

function fixture(showsHashes = true): ApiGroups {
  return builtinApiGroups(enabledGroups(), () => '192.0.2.2:6443', showsHashes);
}

function request(url: string, headers: PathRequest['headers'] = {}, method = 'GET'): PathRequest {
  const { pathname, searchParams } = new URL(url, 'https://server');
  return { method, path: decodeURIComponent(pathname), query: searchParams, headers, user: USER };
}

function get(groups: ApiGroups, url: string, headers?: PathRequest['headers'], method?: string): Answer {
  const answer = serveDiscovery(groups, request(url, headers, method));
  if (!answer) throw new Error(`nothing at ${url}`);
  return answer;
}

const json = (answer: Answer) => JSON.parse(answer.body.toString()) as Record<string, unknown>;

const WIDGETS: ApiResource = {
  name: 'widgets',
  singularName: 'widget',
  namespaced: true,
  kind: 'Widget',
  verbs: ['delete', 'get'],
};
const WIDGETS_STATUS: ApiResource = { ...WIDGETS, name: 'widgets/status', singularName: '', verbs: ['get', 'patch'] };

describe('documents', () => {
  it('writes /api with the address of the server and without apiVersion', () => {
    expect(get(fixture(), '/api/').body.toString()).toBe(
      '{"kind":"APIVersions","versions":["v1"],"serverAddressByClientCIDRs":[{"clientCIDR":"0.0.0.0/0","serverAddress":"192.0.2.2:6443"}]}\n',
    );
  });

  it('knows the aggregated form at /apis, not at /apis/', () => {
    const accept = { accept: `${AGGREGATED},application/json` };
    expect(get(fixture(), '/apis', accept).headers['content-type']).toBe(AGGREGATED);
    expect(get(fixture(), '/apis/', accept).headers['content-type']).toBe('application/json');
    expect(() => get(fixture(), '/apis/', { accept: AGGREGATED })).toThrow(StatusError);
  });

  it('writes a group', () => {
    expect(get(fixture(), '/apis/autoscaling/').body.toString()).toBe(
      '{"kind":"APIGroup","apiVersion":"v1","name":"autoscaling","versions":[{"groupVersion":"autoscaling/v2","version":"v2"},{"groupVersion":"autoscaling/v1","version":"v1"}],"preferredVersion":{"groupVersion":"autoscaling/v2","version":"v2"}}\n',
    );
  });

  it('indents for people, without a line feed at the end', () => {
    const body = get(fixture(), '/apis/policy', { 'user-agent': 'curl/8' }).body.toString();
    expect(body).toMatch(/^\{\n {2}"kind": "APIGroup",\n/);
    expect(body).toMatch(/\n\}$/);
    expect(get(fixture(), '/apis/policy?pretty=0', { 'user-agent': 'curl/8' }).body.toString()).toMatch(/\}\n$/);
  });

  it.each(['/apis/nope', '/apis/apps/v9', '/api/v2', '/api/v1/pods', '/apis/batch/v1/jobs', '/apis//apps', '/version'])(
    'leaves %s to others',
    (url) => expect(serveDiscovery(fixture(), request(url))).toBeUndefined(),
  );
});

describe('protobuf', () => {
  const accept = 'application/vnd.kubernetes.protobuf';

  it('envelops /api without an apiVersion', () => {
    const answer = get(fixture(), '/api', { accept });
    expect(answer.headers['content-type']).toBe(accept);
    expect(Buffer.from(answer.body).toString('latin1')).toBe(
      'k8s\0\n\x0f\n\0\x12\x0bAPIVersions\x12!\n\x02v1\x12\x1b\n\t0.0.0.0/0\x12\x0e192.0.2.2:6443\x1a\0"\0',
    );
  });

  it.each(['/apis', '/apis/apps', '/apis/apps/v1'])('is to be had of %s', (url) => {
    const body = Buffer.from(get(fixture(), url, { accept }).body).toString('latin1');
    expect(body.slice(0, 4)).toBe('k8s\0');
    expect(body.slice(6, 10)).toBe('\n\x02v1');
  });

  it('names the aggregated form in its type', () => {
    const type = `${accept};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList`;
    const answer = get(fixture(), '/apis', { accept: type });
    expect(answer.headers['content-type']).toBe(type);
    expect(Buffer.from(answer.body).toString('latin1')).toContain(
      'apidiscovery.k8s.io/v2\x12\x15APIGroupDiscoveryList',
    );
  });
});

describe('discovery of several servers', () => {
  const NOPEER = `${AGGREGATED};profile=nopeer`;

  it.each<[path: string, accept: string, merged: boolean, local: number]>([
    ['/apis', AGGREGATED, true, 0],
    ['/apis', `application/json,${AGGREGATED}`, true, 0],
    ['/apis', NOPEER, false, 1],
    ['/apis', `${NOPEER},${AGGREGATED}`, false, 1],
    ['/api', AGGREGATED, false, 0],
    ['/api', NOPEER, false, 1],
    ['/apis', 'application/json;profile=nopeer', false, 0],
  ])('%s %s', (path, accept, merged, local) => {
    let asked = 0;
    const peers = {
      merged: () => ({ bytes: Buffer.from('all'), etag: '"all"' }),
      onLocal: () => {
        asked++;
      },
    };
    const answer = serveDiscovery(fixture(), request(path, { accept }), peers)!;
    expect([answer.body.toString() === 'all', asked]).toEqual([merged, local]);
    if (merged) expect(answer.headers).toMatchObject({ 'content-type': AGGREGATED, etag: '"all"' });
  });
});

describe('aggregated discovery', () => {
  it('has an ETag by which a client saves the transfer', () => {
    const first = get(fixture(), '/apis', { accept: AGGREGATED });
    expect(first.headers).toMatchObject({ 'content-type': AGGREGATED, vary: 'Accept', 'cache-control': 'public' });
    const etag = String(first.headers.etag);
    expect(etag).toMatch(/^"[0-9A-F]{128}"$/);
    const second = get(fixture(), '/apis', { accept: AGGREGATED, 'if-none-match': etag });
    expect(second).toEqual({ status: 304, headers: { etag, vary: 'Accept', 'cache-control': 'public' }, body: '' });
    expect(get(fixture(), '/apis', { accept: AGGREGATED, 'if-none-match': `W/${etag}` }).status).toBe(200);
  });

  it.each([
    [AGGREGATED, 'APIGroupDiscoveryList'],
    [`application/json,${AGGREGATED}`, 'APIGroupDiscoveryList'],
    [`${AGGREGATED.replace('v=v2', 'v=v2beta1')},application/json`, 'APIGroupList'],
    ['*/*;as=APIGroupDiscoveryList;v=v2;g=apidiscovery.k8s.io', 'APIGroupDiscoveryList'],
    ['application/json', 'APIGroupList'],
    ['', 'APIGroupList'],
  ])('answers Accept %j with %s', (accept, kind) => {
    expect(json(get(fixture(), '/apis', { accept }))).toMatchObject({ kind });
  });

  it('changes its ETag with its content', () => {
    const groups = fixture();
    const before = get(groups, '/apis', { accept: AGGREGATED }).headers.etag;
    groups.setVersion('custom', 'example.com', 'v1', { resources: [WIDGETS], priority: CUSTOM_RESOURCE_PRIORITY });
    expect(get(groups, '/apis', { accept: AGGREGATED }).headers.etag).not.toBe(before);
    groups.removeVersion('custom', 'example.com', 'v1');
    expect(get(groups, '/apis', { accept: AGGREGATED }).headers.etag).toBe(before);
  });
});

describe('errors', () => {
  const NOT_ACCEPTABLE =
    'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf';
  const ROUTER_NOT_ACCEPTABLE =
    '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf';
  const NOT_ALLOWED = 'the server does not allow this method on the requested resource';

  it.each<[string, string, string, number, string, object | undefined]>([
    ['GET', '/apis', 'text/html', 406, NOT_ACCEPTABLE, undefined],
    ['GET', '/apis/apps', 'text/html', 406, NOT_ACCEPTABLE, undefined],
    ['GET', '/apis/apps', AGGREGATED, 406, NOT_ACCEPTABLE, undefined],
    ['GET', '/apis/apps/v1', AGGREGATED, 406, NOT_ACCEPTABLE, undefined],
    ['GET', '/apis', AGGREGATED.replace('v2', 'v9'), 406, NOT_ACCEPTABLE, undefined],
    ['GET', '/api', 'text/html', 406, ROUTER_NOT_ACCEPTABLE, {}],
    ['GET', '/apis/apps/v1', 'application/*', 406, ROUTER_NOT_ACCEPTABLE, {}],
    ['GET', '/apis/apiregistration.k8s.io', 'text/html', 406, ROUTER_NOT_ACCEPTABLE, {}],
    ['HEAD', '/api/v1', '', 405, NOT_ALLOWED, {}],
    ['POST', '/apis/apiregistration.k8s.io', '', 405, NOT_ALLOWED, {}],
    ['PUT', '/apis/apps/v1', '', 405, NOT_ALLOWED, {}],
  ])('%s %s with Accept %j', (method, url, accept, code, message, details) => {
    const call = () => get(fixture(), url, { accept }, method);
    expect(call).toThrow(StatusError);
    expect(call).toThrow(expect.objectContaining({ code, message, details }));
  });

  it.each(['/apis', '/apis/apps', '/apis/apiextensions.k8s.io'])('any method will do at %s', (url) => {
    expect(get(fixture(), url, {}, 'POST').status).toBe(200);
  });
});

describe('custom groups', () => {
  const custom = { resources: [WIDGETS, WIDGETS_STATUS], priority: CUSTOM_RESOURCE_PRIORITY };

  it('come after the built-in ones, their versions in order of maturity', () => {
    const groups = fixture();
    for (const version of ['v1beta1', 'v2', 'v1', 'v10', 'foo'])
      groups.setVersion('custom', 'a.example', version, custom);
    expect(groups.versions('a.example')).toEqual(['v10', 'v2', 'v1', 'v1beta1', 'foo']);
    const names = (json(get(groups, '/apis')).groups as { name: string }[]).map((g) => g.name);
    expect(names[0]).toBe('apiregistration.k8s.io');
    expect(names.at(-1)).toBe('a.example');
  });

  it('are ordered by service name in /apis and by name in the aggregated document', () => {
    const groups = fixture();
    groups.setVersion('custom', 'a.example', 'v2', custom);
    groups.setVersion('custom', 'b.example', 'v1', custom);
    const legacy = json(get(groups, '/apis')).groups as { name: string }[];
    const items = json(get(groups, '/apis', { accept: AGGREGATED })).items as { metadata: { name: string } }[];
    expect(legacy.slice(-2).map((g) => g.name)).toEqual(['b.example', 'a.example']);
    expect(items.slice(-2).map((g) => g.metadata.name)).toEqual(['a.example', 'b.example']);
  });

  it('say group and version of their kinds', () => {
    const groups = fixture();
    groups.setVersion('custom', 'a.example', 'v1', custom);
    const items = json(get(groups, '/apis', { accept: AGGREGATED })).items as object[];
    const kind = { group: 'a.example', version: 'v1', kind: 'Widget' };
    expect(items.at(-1)).toEqual({
      metadata: { name: 'a.example' },
      versions: [
        {
          version: 'v1',
          resources: [
            {
              resource: 'widgets',
              responseKind: kind,
              scope: 'Namespaced',
              singularResource: 'widget',
              verbs: ['delete', 'get'],
              subresources: [{ subresource: 'status', responseKind: kind, verbs: ['get', 'patch'] }],
            },
          ],
          freshness: 'Current',
        },
      ],
    });
  });

  it('do not hide what is built in, but give way to an APIService', () => {
    const groups = fixture();
    groups.setVersion('custom', 'apps', 'v1', custom);
    expect(groups.sourceOf('apps', 'v1')).toBe('builtin');
    groups.setVersion('aggregated', 'apps', 'v1', { ...custom, freshness: 'Stale' });
    expect(groups.sourceOf('apps', 'v1')).toBe('aggregated');
    groups.removeVersion('aggregated', 'apps', 'v1');
    expect(groups.sourceOf('apps', 'v1')).toBe('builtin');
  });

  it('stand in /apis as their APIServices say, and not once those are gone', () => {
    const groups = fixture();
    const listed = () => json(get(groups, '/apis')).groups as { name: string; versions: { version: string }[] }[];
    const place = (name: string) => listed().findIndex((group) => group.name === name);
    const count = listed().length;
    groups.setRegistered('apps', 'v1', { group: 1, version: 1 });
    expect(place('apps')).toBe(count - 1);
    groups.setRegistered('batch', 'v1', null);
    expect(place('batch')).toBe(-1);
    expect(get(groups, '/apis/batch')).toMatchObject({ status: 200 });
    groups.setRegistered('autoscaling', 'v2', { group: 17500, version: 1 });
    const versions = () => listed()[place('autoscaling')]!.versions.map(({ version }) => version);
    expect(versions()).toEqual(['v1', 'v2']);
    expect(json(get(groups, '/apis/autoscaling')).preferredVersion).toMatchObject({ version: 'v1' });
    groups.setRegistered('autoscaling', 'v1', null);
    expect(versions()).toEqual(['v2']);
    const { items } = json(get(groups, '/apis', { accept: AGGREGATED })) as { items: { metadata: { name: string } }[] };
    expect(items.map(({ metadata }) => metadata.name).slice(0, 2)).toEqual(['apiregistration.k8s.io', 'apps']);
  });

  it('are listed in the plain form where another server has registered them', () => {
    const groups = fixture();
    groups.setRegistered('policy', 'v2', { group: 17100, version: 20 });
    groups.setRegistered('new.example', 'v1', { group: 1, version: 1 });
    const listed = () => (json(get(groups, '/apis')).groups as { name: string; preferredVersion: object }[]).slice();
    expect(listed().at(-1)).toMatchObject({ name: 'new.example' });
    expect(listed().find(({ name }) => name === 'policy')).toMatchObject({ preferredVersion: { version: 'v2' } });
    expect(json(get(groups, '/apis/new.example'))).toMatchObject({ kind: 'APIGroup', name: 'new.example' });
    expect(groups.paths()).toEqual(expect.arrayContaining(['/apis/new.example', '/apis/new.example/v1']));
    expect(serveDiscovery(groups, request('/apis/new.example/v1'))).toBeUndefined();
    expect(get(groups, '/apis', { accept: AGGREGATED }).body.toString()).not.toContain('new.example');
    groups.setRegistered('new.example', 'v1', null);
    expect(serveDiscovery(groups, request('/apis/new.example'))).toBeUndefined();
    expect(listed().at(-1)).not.toMatchObject({ name: 'new.example' });
  });

  it('tell listeners of every change', () => {
    const groups = fixture();
    let calls = 0;
    const stop = groups.onChange(() => calls++);
    groups.setVersion('custom', 'a.example', 'v1', custom);
    groups.removeVersion('custom', 'a.example', 'v1');
    groups.removeVersion('custom', 'a.example', 'v1');
    stop();
    groups.setVersion('custom', 'a.example', 'v1', custom);
    expect(calls).toBe(2);
  });
});

const recorded = path.resolve(import.meta.dirname, '../../../../../shared/kubernetes-1.36/discovery');

it.each([true, false])('hashes of versions that are stored are told: %s', async (shows) => {
  const answer = await serveDiscovery(fixture(shows), request('/api/v1'));
  expect(String(answer?.body).includes('storageVersionHash')).toBe(shows);
});

describe.runIf(fs.existsSync(recorded))('recorded documents', () => {
  const everything = builtinApiGroups(enabledGroups({ 'api/all': 'true' }, ALL_GATES), () => '10.10.10.10:8050', true);
  const documents = (fs.existsSync(recorded) ? fs.readdirSync(recorded) : []).filter((f) => /^api(s|__|\.)/.test(f));

  it.each(documents)('%s', (file) => {
    const url = `/${file.replace('.json', '').replaceAll('__', '/')}`;
    expect(json(get(everything, url))).toEqual(JSON.parse(fs.readFileSync(path.join(recorded, file), 'utf8')));
  });

  it('aggregated', () => {
    const expected = JSON.parse(fs.readFileSync(path.join(recorded, 'aggregated_v2.json'), 'utf8'));
    expect(json(get(everything, '/apis', { accept: AGGREGATED }))).toEqual(expected);
  });
});
