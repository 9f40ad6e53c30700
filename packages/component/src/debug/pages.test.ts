import { expect, test } from 'vitest';
import { Verbosity } from '../logs/verbosity.ts';
import { type DebugRequest, serveDebug } from './pages.ts';
import { ProfilingInUse } from './profiles.ts';

function request(path: string, changes: Partial<DebugRequest> = {}): DebugRequest {
  const [name = '', query] = path.split('?');
  return {
    method: 'GET',
    path: name,
    query: new URLSearchParams(query),
    body: async () => '',
    onGone: () => {},
    ...changes,
  };
}

const ALL = { profiles: true, verbosity: new Verbosity() };
const taken = async (kind: string, milliseconds: number) => `${kind} ${milliseconds}`;

test.each([
  ['/debug/pprof/profile', 200, 'cpu 30000'],
  ['/debug/pprof/profile?seconds=5', 200, 'cpu 5000'],
  ['/debug/pprof/profile?seconds=-1', 200, 'cpu 30000'],
  ['/debug/pprof/profile?seconds=x', 200, 'cpu 30000'],
  ['/debug/pprof/profile?seconds=301', 400, 'profile duration exceeds 300 seconds\n'],
  ['/debug/pprof/heap?seconds=1', 200, 'heap 1000'],
  ['/debug/pprof/goroutine', 404, 'Unknown profile\n'],
  ['/debug/pprof/toString', 404, 'Unknown profile\n'],
  ['/debug/pprof', 302, '<a href="/debug/pprof/">Found</a>.\n\n'],
  ['/debug/flags/v', 406, 'unsupported http method\n'],
])('%s: %d', async (path, status, body) => {
  expect(await serveDebug(request(path), ALL, taken)).toMatchObject({ status, body });
});

test.each(['/debug/pprof/', '/debug/flags', '/debug/flags/x'])('%s lists what there is', async (path) => {
  const answer = await serveDebug(request(path), ALL);
  expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
  expect(answer!.body).toContain(path.startsWith('/debug/pprof') ? "<a href='heap'>" : '<tr>v<br>');
});

test.each(['/debug', '/debug/pprofs', '/metrics'])('%s is of others', async (path) => {
  expect(await serveDebug(request(path), ALL)).toBeUndefined();
});

test('without a log there are no flags', async () => {
  expect(await serveDebug(request('/debug/flags/v'), { profiles: true })).toBeUndefined();
});

test('profiles may be off', async () => {
  expect(await serveDebug(request('/debug/pprof/profile'), { ...ALL, profiles: false }, taken)).toBeUndefined();
});

test('a profile that somebody else takes', async () => {
  const busy = async () => {
    throw new ProfilingInUse('cpu profiling already in use');
  };
  const answer = await serveDebug(request('/debug/pprof/profile'), ALL, busy);
  expect(answer).toMatchObject({
    status: 500,
    body: 'Could not enable CPU profiling: cpu profiling already in use\n',
  });
});

test.each([
  ['4', 200, 'successfully set klog.logging.verbosity to 4', 4],
  ['x', 400, 'strconv.ParseUint: parsing "x": invalid syntax', 2],
  ['', 400, 'strconv.ParseUint: parsing "": invalid syntax', 2],
  ['2\n', 400, 'strconv.ParseUint: parsing "2\\n": invalid syntax', 2],
  ['99999999999999', 400, 'strconv.ParseUint: parsing "99999999999999": value out of range', 2],
])('PUT %j to /debug/flags/v', async (body, status, message, level) => {
  const verbosity = new Verbosity(2);
  const put = request('/debug/flags/v', { method: 'PUT', body: async () => body });
  expect(await serveDebug(put, { profiles: false, verbosity })).toMatchObject({ status, body: `${message}\n` });
  expect(verbosity.level).toBe(level);
});
