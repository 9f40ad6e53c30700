import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { enabledGroups } from '../discovery/runtime-config.ts';
import type { Answer, PathRequest } from '../http/answer.ts';
import { OpenApiService } from './service.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const V3_PROTOBUF = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf';

function fixture(config: Record<string, string> = {}, showsEnums = true): OpenApiService {
  return new OpenApiService({ served: () => enabledGroups(config), now: () => NOW, showsEnums });
}

async function get(service: OpenApiService, url: string, headers: PathRequest['headers'] = {}): Promise<Answer> {
  const { pathname, searchParams } = new URL(url, 'https://server');
  const user = { name: '', uid: '', groups: [], extra: {} };
  const answer = await service.serve({ method: 'GET', path: pathname, query: searchParams, headers, user });
  if (!answer) throw new Error(`nothing at ${url}`);
  const { body } = answer;
  return { ...answer, body: typeof body === 'string' || Buffer.isBuffer(body) ? body : await buffer(body) };
}

const paths = async (service: OpenApiService) =>
  (
    JSON.parse(String((await get(service, '/openapi/v3')).body)) as {
      paths: Record<string, { serverRelativeURL: string }>;
    }
  ).paths;

it.each([true, false])('values that fields may have are told: %s', async (shows) => {
  const { body } = await get(fixture({}, shows), '/openapi/v3/api/v1');
  for (const text of ['"enum":', 'Possible enum values']) expect(String(body).includes(text)).toBe(shows);
});

describe('version 3', () => {
  it('lists documents with the hashes by which they may be cached', async () => {
    const service = fixture();
    const index = await get(service, '/openapi/v3');
    expect(index.headers['content-type']).toBe('text/plain; charset=utf-8');
    const { version } = await paths(service);
    expect(version?.serverRelativeURL).toMatch(/^\/openapi\/v3\/version\?hash=[0-9A-F]{128}$/);
    const answer = await get(service, version!.serverRelativeURL);
    expect(answer.status).toBe(200);
    expect(answer.headers).toEqual({
      'content-length': answer.body.length,
      'content-type': 'application/json',
      etag: `"${version!.serverRelativeURL.split('=')[1]}"`,
      vary: 'Accept',
      'accept-ranges': 'bytes',
      'cache-control': 'public, immutable',
      expires: 'Mon, 01 Mar 2027 12:00:00 UTC',
      'last-modified': 'Sun, 01 Mar 2026 12:00:00 GMT',
    });
    expect(JSON.parse(String(answer.body))).toMatchObject({ openapi: '3.0.0', paths: { '/version/': {} } });
  });

  it('redirects from an old hash', async () => {
    const service = fixture();
    const answer = await get(service, '/openapi/v3/version?hash=BAD');
    expect([answer.status, answer.headers['content-type'], String(answer.body)]).toEqual([301, 'application/json', '']);
    expect(answer.headers.location).toBe((await paths(service)).version?.serverRelativeURL);
  });

  it('changes a hash when its resources change, and no other', async () => {
    const [all, some] = [await paths(fixture()), await paths(fixture({ 'apps/v1/deployments': 'false' }))];
    const changed = Object.keys(all).filter((name) => all[name]?.serverRelativeURL !== some[name]?.serverRelativeURL);
    expect(changed).toEqual(['apis/apps/v1']);
  });

  it('saves the transfer of what the client has', async () => {
    const service = fixture();
    const { etag } = (await get(service, '/openapi/v3/version')).headers;
    const again = await get(service, '/openapi/v3/version', { 'if-none-match': `"foo", W/${etag}` });
    expect([again.status, again.headers.etag, String(again.body)]).toEqual([304, etag, '']);
    expect((await get(service, '/openapi/v3/version', { 'if-none-match': '"foo"' })).status).toBe(200);
  });

  it.each([V3_PROTOBUF, V3_PROTOBUF.replace('.v1.0', '@v1.0')])('answers in protobuf to %s', async (accept) => {
    const answer = await get(fixture(), '/openapi/v3/version', { accept });
    expect(answer.headers['content-type']).toBe(V3_PROTOBUF);
    expect(answer.body.slice(0, 7).toString()).toBe('\n\u00053.0.0');
  });

  it('compresses for who can read it', async () => {
    const answer = await get(fixture(), '/openapi/v3/version', { 'accept-encoding': 'deflate, gzip' });
    expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding, Accept' });
    expect(JSON.parse(gunzipSync(answer.body as Buffer).toString())).toMatchObject({ openapi: '3.0.0' });
  });

  it.each([
    ['/openapi/v3/nope', '', 404],
    ['/openapi/v3/', '', 404],
    ['/openapi/v3/apis/apps/v1/', '', 404],
    ['/openapi/v3/version', 'text/html', 406],
    ['/openapi/v3/version', 'foo', 200],
    ['/openapi/v2', 'text/html', 406],
  ])('%s with Accept %j is an empty %i', async (url, accept, status) => {
    const answer = await get(fixture(), url, { accept });
    expect([answer.status, String(answer.body)]).toEqual([status, '']);
  });
});

describe('version 2', () => {
  it('has what is served', async () => {
    const answer = await get(fixture({ 'api/all': 'false', 'apps/v1': 'true' }), '/openapi/v2');
    const { paths, definitions } = JSON.parse(String(answer.body)) as { paths: object; definitions: object };
    expect(Object.keys(paths)).toContain('/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale');
    expect(Object.keys(paths)).not.toContain('/api/v1/pods');
    expect(Object.keys(definitions)).toContain('io.k8s.api.core.v1.PodSpec');
    expect(Object.keys(definitions)).not.toContain('io.k8s.api.core.v1.Pod');
    expect(answer.headers.vary).toBe('Accept-Encoding, Accept');
  });

  it('is there in protobuf', async () => {
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    const answer = await get(fixture({ 'api/all': 'false', 'apps/v1': 'true' }), '/openapi/v2', { accept });
    expect(answer.headers['content-type']).toBe('application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
    expect(answer.body.slice(0, 5).toString()).toBe('\n\u00032.0');
  });

  it('leaves other paths alone', async () => {
    const request = {
      method: 'GET',
      query: new URLSearchParams(),
      headers: {},
      user: { name: '', uid: '', groups: [], extra: {} },
    };
    for (const path of ['/openapi', '/openapi/v2/', '/openapi/v4', '/swagger.json']) {
      expect(await fixture().serve({ ...request, path })).toBeUndefined();
    }
  });
});

it('leads to the server of the group with the highest priority where several have a document', () => {
  const service = fixture();
  const index = new Map([['apis/shared', '/openapi/v3/apis/shared']]);
  const documents = (priority: number) => ({ index, isOld: false, spec2: undefined, etag: '', priority });
  expect(service.ownerOf('/openapi/v3/apis/shared')).toBe(undefined);
  service.setRemote('v1.b', documents(50));
  service.setRemote('v2.a', documents(100));
  service.setRemote('v1.a', documents(10));
  expect(service.ownerOf('/openapi/v3/apis/shared')).toBe('v1.a');
  expect(service.ownerOf('/openapi/v3/apis/other')).toBe(undefined);
  service.setRemote('v2.a', undefined);
  expect(service.ownerOf('/openapi/v3/apis/shared')).toBe('v1.b');
});

it('makes documents of version 3 for servers that have none', async () => {
  const service = fixture();
  const spec2 = {
    info: { title: 'Old', version: 'v1' },
    securityDefinitions: {},
    paths: { '/apis/old.example.com/v1/things': { get: { responses: {} } } },
    definitions: {},
    parameters: {},
  };
  const old = (etag: string) => ({ index: new Map(), isOld: true, spec2, etag, priority: 1 });
  service.setRemote('v1.old.example.com', old('1'));
  const url = async () => (await paths(service))['apis/old.example.com/v1']?.serverRelativeURL;
  const first = (await url())!;
  const answer = await get(service, first);
  expect(JSON.parse(String(answer.body))).toMatchObject({ openapi: '3.0.0', info: spec2.info, paths: spec2.paths });
  expect((await get(service, first, { accept: V3_PROTOBUF })).headers['content-type']).toBe(V3_PROTOBUF);
  expect(service.ownerOf('/openapi/v3/apis/old.example.com/v1')).toBeUndefined();
  service.setRemote('v1.old.example.com', old('2'));
  expect(await url()).not.toBe(first);
  service.setRemote('v1.old.example.com', undefined);
  expect(await url()).toBeUndefined();
  expect((await get(service, first)).status).toBe(404);
});
