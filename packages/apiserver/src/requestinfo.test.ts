import { expect, it } from 'vitest';
import { parseRequestInfo } from './requestinfo.ts';

it.each([
  ['/api/v1/namespaces/a/pods/%E4%B8%AD', '中'],
  ['/api/v1/namespaces/a/pods/%ff', '\udcff'],
  ['/api/v1/namespaces/a/pods/b%C3%28', 'b\udcc3('],
  ['/api/v1/namespaces/a/pods/%E4%B8%AD%F0%9F%98%80%ED%A0%80', '中😀\udced\udca0\udc80'],
])('the name in %s', (url, name) => {
  expect(parseRequestInfo('GET', url)).toMatchObject({ resource: 'pods', verb: 'get', name });
});

it.each(['/%zz', '/a%2', '/%ff%'])('%s is no path', (url) => {
  expect(() => parseRequestInfo('GET', url)).toThrow(URIError);
});
