import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RpcError } from '@keelson/component/grpc/errors';
import { RpcServer } from '@keelson/component/grpc/server';
import { Service } from '@keelson/component/grpc/service';
import { expect, onTestFinished, test } from 'vitest';
import { criDescriptors } from '../../generated/cri-v1.ts';
import type { PodStats } from '../stats.ts';
import { podStats } from './answers.ts';
import type { Methods } from './messages.ts';
import { CriRuntime, ofCurrent } from './runtime.ts';

const container = (id: string, name: string, nanoseconds?: number): PodStats['containers'][number] => ({
  id,
  name,
  cpu: nanoseconds === undefined ? undefined : { at: 1, coreNanoseconds: nanoseconds },
});

test.each([
  ['one that has ended and one that runs', [container('1', 'a'), container('2', 'a', 5)], ['2']],
  ['the other way round', [container('2', 'a', 5), container('1', 'a', 0)], ['2']],
  ['only ended ones', [container('1', 'a'), container('2', 'a')], ['1']],
  ['others', [container('1', 'a', 5), container('2', 'b', 5)], ['1', '2']],
])('of each name one container: %s', (_what, containers, want) => {
  const pod: PodStats = { uid: 'u', name: 'p', namespace: 'n', containers };
  expect(ofCurrent(pod).containers.map(({ id }) => id)).toEqual(want);
});

test.each([
  ['when the runtime says', 2_000_000, 2],
  ['with the CPU where it does not', 0, 1],
])('what went through the network was counted %s', (_what, timestamp, at) => {
  const bytes = { value: 7 };
  const eth0 = { name: 'eth0', rx_bytes: bytes, rx_errors: null, tx_bytes: bytes, tx_errors: null };
  const stats = {
    attributes: { metadata: { uid: 'u', name: 'p', namespace: 'n', attempt: 0 } },
    linux: {
      cpu: { timestamp: 1_000_000 },
      network: { timestamp, default_interface: eth0, interfaces: [] },
      containers: [],
    },
  };
  expect(podStats(stats as never).network).toMatchObject([{ at, name: 'eth0', rxBytes: 7, txBytes: 7 }]);
});

test('who asks while a runtime measures shares its answer, a failure too', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'cri-'));
  const asked: (() => void)[] = [];
  const measure = () =>
    new Promise<never>((_resolve, reject) => asked.push(() => reject(new RpcError('Unavailable', `${asked.length}`))));
  const service = new Service<Methods>(criDescriptors, 'runtime.v1.RuntimeService');
  const server = new RpcServer().add(service, { ListPodSandboxStats: measure });
  await server.listen(join(directory, 'sock'));
  const runtime = new CriRuntime(`unix://${join(directory, 'sock')}`);
  onTestFinished(async () => {
    await runtime.close();
    server.stop();
    await rm(directory, { recursive: true });
  });
  for (const count of [1, 2]) {
    const outcomes = Promise.allSettled([runtime.stats(), runtime.stats()]);
    await expect.poll(() => asked).toHaveLength(count);
    asked.at(-1)!();
    const reason = expect.objectContaining({ message: expect.stringMatching(new RegExp(`= ${count}$`)) });
    expect(await outcomes).toEqual([0, 1].map(() => ({ status: 'rejected', reason })));
  }
});
