import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Pod, PodStatus, Probe } from '@keelson/api/generated/types/core/v1';
import { manualWorld } from '@keelson/client/testing/world';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RuntimeError } from '../runtime/runtime.ts';
import type { ExecResult } from '../runtime/streams.ts';
import { container, podOf } from '../testing/pods.ts';
import { httpTarget } from './http.ts';
import { ProbeManager } from './manager.ts';
import { type ProbeOutcome, probeRunner } from './run.ts';

/** A container that runs, with probes that have the outcomes in turn, the last one forever. */
function probed(
  spec: { livenessProbe?: Probe; readinessProbe?: Probe; startupProbe?: Probe },
  outcomes: ProbeOutcome['type'][],
) {
  const world = manualWorld();
  const events: string[] = [];
  let [changes, made] = [0, 0];
  const probes = new ProbeManager({
    world,
    recorder: { event: (_about, _type, reason, message) => void events.push(`${reason}: ${message}`) },
    run: async () => ({ type: outcomes[Math.min(made++, outcomes.length - 1)]!, output: 'said' }),
    changed: () => changes++,
  });
  const pod: Pod = podOf({ containers: [container('a', spec)] });
  const follow = (started: boolean, id = 'c1', running = true) => {
    const startedAt = new Date(world.clock.now()).toISOString();
    const state = running ? { running: { startedAt } } : { terminated: { exitCode: 1 } };
    const status = { containerStatuses: [{ name: 'a', containerID: `r://${id}`, started, state }] };
    probes.follow(pod, 'u1', status as unknown as PodStatus);
  };
  return { world, events, probes, follow, of: () => probes.of('u1'), made: () => made, changes: () => changes };
}

const every = (more: Probe = {}): Probe => ({ periodSeconds: 10, failureThreshold: 3, successThreshold: 1, ...more });

describe('a readiness probe', () => {
  it('begins as not ready, and is ready at the first success', async () => {
    const { of, follow, world, changes } = probed({ readinessProbe: every() }, ['success']);
    expect(of().has('readiness', 'a')).toBe(false);
    follow(true);
    expect([of().has('readiness', 'a'), of().readiness('c1')]).toEqual([true, false]);
    await world.pass(10);
    expect([of().readiness('c1'), changes()]).toEqual([true, 1]);
  });

  it('waits for its initial delay', async () => {
    const { follow, world, made } = probed({ readinessProbe: every({ initialDelaySeconds: 5 }) }, ['success']);
    follow(true);
    await world.pass(4_000);
    expect(made()).toBe(0);
    await world.pass(2_000);
    expect(made()).toBe(1);
  });

  it('counts failures and successes to their thresholds', async () => {
    const { of, follow, world } = probed({ readinessProbe: every({ successThreshold: 2 }) }, [
      'success',
      'success',
      'failure',
      'failure',
      'failure',
      'success',
    ]);
    follow(true);
    const found = [];
    for (let i = 0; i < 7; i++) {
      await world.pass(i === 0 ? 10 : 10_000);
      found.push(of().readiness('c1'));
    }
    expect(found).toEqual([false, true, true, true, false, false, true]);
  });

  it('is not asked before the container has started up', async () => {
    const { follow, world, made } = probed({ readinessProbe: every() }, ['success']);
    follow(false);
    await world.pass(20_000);
    expect(made()).toBe(0);
  });
});

describe('a liveness probe', () => {
  it('fails at its threshold, says so each time, and holds its breath', async () => {
    const { of, follow, world, events, made } = probed({ livenessProbe: every() }, ['failure']);
    follow(true);
    expect(of().liveness('c1')).toBe(true);
    await world.pass(15_000);
    expect(of().liveness('c1')).toBe(true);
    await world.pass(10_000);
    expect(of().liveness('c1')).toBe(false);
    await world.pass(60_000);
    expect(made()).toBe(3);
    expect(events).toEqual(Array(3).fill('Unhealthy: Liveness probe failed: said'));
  });

  it('begins anew with a new container', async () => {
    const { of, follow, world } = probed({ livenessProbe: every({ failureThreshold: 1 }) }, ['failure', 'success']);
    follow(true);
    await world.pass(10);
    expect(of().liveness('c1')).toBe(false);
    follow(true, 'c2');
    expect([of().liveness('c1'), of().liveness('c2')]).toEqual([undefined, true]);
  });

  it('thinks nothing of what could not be asked', async () => {
    const { of, follow, world, events } = probed({ livenessProbe: every({ failureThreshold: 1 }) }, ['error']);
    follow(true);
    await world.pass(10);
    expect(of().liveness('c1')).toBe(true);
    expect(events).toEqual(['Unhealthy: Liveness probe errored and resulted in unknown state: said']);
  });

  it('is quiet when the pod ends', async () => {
    const { of, follow, world, probes, made } = probed({ livenessProbe: every({ failureThreshold: 1 }) }, ['failure']);
    follow(true);
    probes.ending('u1');
    await world.pass(20_000);
    expect([of().liveness('c1'), made()]).toEqual([true, 0]);
  });
});

describe('a startup probe', () => {
  it('is undecided, then done for good', async () => {
    const { of, follow, world, made } = probed({ startupProbe: every() }, ['failure', 'success']);
    follow(false);
    expect([of().startup('c1'), of().has('startup', 'a')]).toEqual([undefined, true]);
    await world.pass(15_000);
    expect(of().startup('c1')).toBe(true);
    follow(true);
    await world.pass(60_000);
    expect(made()).toBe(2);
  });
});

describe('the ways to probe', () => {
  let server: Server;
  let port: number;
  beforeAll(async () => {
    server = createServer(({ url, headers }, response) => {
      if (url === '/away') response.writeHead(302, { location: 'http://example.invalid/' }).end('moved');
      else if (url === '/on') response.writeHead(302, { location: '/ok' }).end();
      else response.writeHead(url === '/ok' ? 200 : 503).end(`${headers['user-agent']} ${headers['x-a']}`);
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => server.close());

  const exec = async (_id: string, command: readonly string[]): Promise<ExecResult> => {
    if (command[0] === 'slow') throw new RuntimeError('DeadlineExceeded', 'timeout 1s exceeded');
    if (command[0] === 'broken') throw new RuntimeError('Unavailable', 'gone');
    return {
      stdout: Buffer.from(command.join(' ')),
      stderr: Buffer.from('!'),
      exitCode: command[0] === 'true' ? 0 : 1,
    };
  };
  const run = (spec: Probe, more = {}) =>
    probeRunner({ execSync: exec })({ spec, container: container('a', more), containerId: 'c', podIp: '127.0.0.1' });
  const http = (path: string) => ({ httpGet: { path, port, httpHeaders: [{ name: 'X-A', value: '1' }] } });

  it('asks over HTTP', async () => {
    expect(await run(http('/ok'))).toEqual({ type: 'success', output: 'kube-probe/1.36 1' });
    expect(await run(http('/no'))).toEqual({ type: 'failure', output: 'HTTP probe failed with statuscode: 503' });
    expect(await run(http('/on'))).toMatchObject({ type: 'success' });
    expect(await run(http('/away'))).toEqual({
      type: 'warning',
      output: 'Probe terminated redirects, Response body: moved',
    });
    const refused = `Get "http://127.0.0.1:1/": dial tcp 127.0.0.1:1: connect: connection refused`;
    expect(await run({ httpGet: { path: '/', port: 1 } })).toEqual({ type: 'failure', output: refused });
  });

  it('connects over TCP', async () => {
    expect(await run({ tcpSocket: { port: 'web' } }, { ports: [{ name: 'web', containerPort: port }] })).toEqual({
      type: 'success',
      output: '',
    });
    expect(await run({ tcpSocket: { port: 1 } })).toEqual({
      type: 'failure',
      output: 'dial tcp 127.0.0.1:1: connect: connection refused',
    });
    expect(await run({ tcpSocket: { port: 'none' } })).toMatchObject({ type: 'error' });
  });

  it('runs commands', async () => {
    const env = [{ name: 'X', value: 'x' }];
    expect(await run({ exec: { command: ['true', '$(X)'] } }, { env })).toEqual({ type: 'success', output: 'true x!' });
    expect(await run({ exec: { command: ['false'] } })).toEqual({ type: 'failure', output: 'false!' });
    expect(await run({ exec: { command: ['slow'] } })).toEqual({
      type: 'failure',
      output: 'command timed out: timeout 1s exceeded',
    });
    expect(await run({ exec: { command: ['broken'] } })).toEqual({ type: 'error', output: 'gone' });
  });

  it('finds ports and hosts', () => {
    const target = (action: object) => httpTarget({ port: 80, ...action }, container('a'), 'fd00::1', 'probe');
    expect(target({ scheme: 'HTTPS', path: 'x' }).url).toBe('https://[fd00::1]:80/x');
    expect(target({ host: 'h', httpHeaders: [{ name: 'User-Agent', value: '' }] })).toEqual({
      url: 'http://h:80/',
      headers: { accept: '*/*' },
    });
  });
});
