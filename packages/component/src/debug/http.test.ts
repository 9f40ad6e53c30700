import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Verbosity } from '../logs/verbosity.ts';
import type { HttpError } from '../serving/server.ts';
import { answerDebug } from './http.ts';

test('a port of Node serves /debug, and leaves other paths to others', async () => {
  const verbosity = new Verbosity();
  const server = http.createServer((request, response) => {
    answerDebug(request, response, { profiles: true, verbosity }).then(
      (answered) => answered || response.end('other'),
      (error: HttpError) => response.writeHead(error.status).end(),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const put = (body: string) => fetch(`${at}/debug/flags/v`, { method: 'PUT', body });
  expect(await (await fetch(`${at}/pods`)).text()).toBe('other');
  expect(await (await put('5')).text()).toBe('successfully set klog.logging.verbosity to 5\n');
  expect(verbosity.level).toBe(5);
  expect((await put('5'.repeat(2000))).status).toBe(413);
  expect((await fetch(`${at}/debug/pprof/profile?seconds=1000`)).status).toBe(400);
  server.closeAllConnections();
  server.close();
});
