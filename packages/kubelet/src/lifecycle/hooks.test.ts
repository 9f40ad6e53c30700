import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LifecycleHandler } from '@keelson/api/generated/types/core/v1';
import { manualWorld } from '@keelson/client/testing/world';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { hookRunner } from './hooks.ts';

let server: Server;
const asked: string[] = [];
beforeAll(async () => {
  server = createServer(({ url, headers }, response) => {
    asked.push(`${url} ${headers['user-agent']}`);
    response.writeHead(500).end();
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
});
afterAll(() => server.close());

function runner() {
  const world = manualWorld();
  const events: string[] = [];
  const hooks = hookRunner({
    world,
    recorder: { event: (_about, _type, reason, message) => void events.push(`${reason}: ${message}`) },
    runtime: {
      execSync: async (_id, command) => ({
        stdout: Buffer.from('out'),
        stderr: Buffer.alloc(0),
        exitCode: command[0] === 'true' ? 0 : 2,
      }),
    },
  });
  const spec = container('a');
  const pod = podOf({ containers: [spec] });
  const run = (handler: LifecycleHandler, signal = new AbortController().signal) =>
    hooks.run({ pod, container: { role: 'regular', spec }, containerId: 'c', handler, podIp: '127.0.0.1' }, signal);
  return { world, events, run };
}

describe('hookRunner', () => {
  it('runs commands, and tells how they fail', async () => {
    const { run } = runner();
    await run({ exec: { command: ['true'] } });
    await expect(run({ exec: { command: ['rm', 'x'] } })).rejects.toThrow(
      'Exec lifecycle hook ([rm x]) for Container "a" in Pod "web_default(u1)" failed - error: error: command \'rm x\' exited with 2: out, message: "out"',
    );
  });

  it('asks over HTTP, whatever the answer', async () => {
    const { run } = runner();
    await run({ httpGet: { path: '/hook', port: (server.address() as AddressInfo).port } });
    expect(asked.at(-1)).toBe('/hook kube-lifecycle/1.36');
    await expect(run({ httpGet: { path: '/hook', port: 1 } })).rejects.toThrow('connection refused');
  });

  it('goes on in plain HTTP where that is what answers', async () => {
    const { run, events } = runner();
    const { port } = server.address() as AddressInfo;
    await run({ httpGet: { path: '/tls', port, scheme: 'HTTPS' } });
    expect(asked.at(-1)).toMatch(/^\/tls/);
    expect(events).toEqual([
      `LifecycleHTTPFallback: request to HTTPS lifecycle hook 127.0.0.1:${port} got HTTP response, retry with HTTP succeeded`,
    ]);
  });

  it('sleeps, until the container ends', async () => {
    const { run, world } = runner();
    const slept = run({ sleep: { seconds: 5 } });
    world.clock.advance(5_000);
    await slept;
    const end = new AbortController();
    const broken = run({ sleep: { seconds: 5 } }, end.signal);
    end.abort();
    await expect(broken).rejects.toThrow('container terminated before sleep hook finished');
  });
});
