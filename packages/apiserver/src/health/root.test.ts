import { expect, it } from 'vitest';
import { builtinApiGroups } from '../discovery/builtin.ts';
import { enabledGroups } from '../discovery/runtime-config.ts';
import type { PathRequest } from '../http/answer.ts';
import { serveRootPaths, serveVersion, versionInfo } from './root.ts';

function request(path: string, accept = '', method = 'GET'): PathRequest {
  const user = { name: '', uid: '', groups: [], extra: {} };
  return { method, path, query: new URLSearchParams(), headers: { accept }, user };
}

const info = versionInfo({ version: 'v24.1.0', platform: 'linux', arch: 'x64' });

it('/version is indented for everyone and names the runtime', () => {
  const answer = serveVersion(info, request('/version/'));
  expect(answer?.headers).toEqual({ 'content-type': 'application/json' });
  expect(answer?.body).toBe(`{
  "major": "1",
  "minor": "36",
  "emulationMajor": "1",
  "emulationMinor": "36",
  "minCompatibilityMajor": "1",
  "minCompatibilityMinor": "35",
  "gitVersion": "v1.36.2",
  "gitCommit": "",
  "gitTreeState": "",
  "buildDate": "1970-01-01T00:00:00Z",
  "goVersion": "node24.1.0",
  "compiler": "v8",
  "platform": "linux/amd64"
}`);
});

it('/version has the errors of the router', () => {
  expect(() => serveVersion(info, request('/version', '', 'POST'))).toThrow(expect.objectContaining({ code: 405 }));
  expect(() => serveVersion(info, request('/version', 'application/yaml'))).toThrow(
    '406: Not Acceptable\n\nAvailable representations: application/json',
  );
  expect(serveVersion(info, request('/version/foo'))).toBeUndefined();
});

it('/ lists groups and what else is mounted, sorted', () => {
  const groups = builtinApiGroups(enabledGroups({ 'api/all': 'false', 'apps/v1': 'true' }), () => '', true);
  const answer = serveRootPaths(groups, ['/version', '/healthz', '/healthz/ping'], request('/index.html'));
  expect(JSON.parse(String(answer?.body))).toEqual({
    paths: [
      '/api',
      '/api/v1',
      '/apis',
      '/apis/',
      '/apis/apps',
      '/apis/apps/v1',
      '/healthz',
      '/healthz/ping',
      '/version',
    ],
  });
  expect(serveRootPaths(groups, [], request('/foo'))).toBeUndefined();
});
