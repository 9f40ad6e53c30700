import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { manualWorld } from '@keelson/client/testing/world';
import { RpcError } from '@keelson/component/grpc/errors';
import { RpcServer } from '@keelson/component/grpc/server';
import { Service } from '@keelson/component/grpc/service';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { criDescriptors } from '../generated/cri-v1.ts';
import type { Methods } from '../runtime/cri/messages.ts';
import { CriRuntime } from '../runtime/cri/runtime.ts';
import { container, podOf, running, statusOf } from '../testing/pods.ts';
import type { KubeletView } from '../view.ts';
import { checkpoint } from './checkpoint.ts';

const spec = container('a');
const pod = podOf({ containers: [spec, container('gone')], initContainers: [container('init')] });

let directory: string;
let server: RpcServer;
let runtime: CriRuntime;
let asked: object[];
let view: KubeletView;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keelson-checkpoint-'));
  asked = [];
  const service = new Service<Methods>(criDescriptors, 'runtime.v1.RuntimeService');
  server = new RpcServer().add(service, {
    CheckpointContainer: async (request) => {
      asked.push(request);
      if (asked.length > 1) throw new RpcError('Unimplemented', 'no criu here');
      return {};
    },
  });
  await server.listen(join(directory, 'sock'));
  runtime = new CriRuntime(`unix://${join(directory, 'sock')}`);
  view = {
    world: manualWorld(),
    runtime,
    checkpoints: join(directory, 'checkpoints'),
    pod: (namespace: string, name: string) => (`${namespace}/${name}` === 'default/web' ? pod : undefined),
    container: async (_pod: object, name: string) => (name === 'gone' ? undefined : statusOf(spec, running())),
  } as unknown as KubeletView;
});
afterEach(async () => {
  await runtime.close();
  server.stop();
  await rm(directory, { recursive: true });
});

const post = (path: string, query = '', method = 'POST') =>
  checkpoint(view, method, path.split('/'), new URLSearchParams(query));

describe('/checkpoint', () => {
  it('has the runtime write a container, and says where', async () => {
    const location = join(directory, 'checkpoints/checkpoint-web_default-a-2026-01-01T00:00:00Z.tar');
    expect(await post('default/web/a', 'timeout=5&timeout=300')).toEqual({ items: [location] });
    expect(asked).toEqual([{ container_id: 'a-0', location, timeout: 300 }]);
    expect((await stat(join(directory, 'checkpoints'))).mode & 0o777).toBe(0o700);
  });

  it('gives the runtime two minutes at least, and tells of its refusal', async () => {
    await post('default/web/init', 'timeout=1');
    expect(asked).toMatchObject([{ timeout: 120 }]);
    await expect(post('default/web/a')).rejects.toMatchObject({
      status: 500,
      message: 'checkpointing of default/web/a failed (rpc error: code = Unimplemented desc = no criu here)',
    });
  });

  it.each([
    ['default/other/a', '', 404, 'pod does not exist'],
    ['default/web/b', '', 404, 'container b does not exist'],
    ['default/web/a', 'timeout=soon', 404, 'cannot parse value of timeout parameter'],
    ['default/web/gone', '', 500, 'checkpointing of default/web/gone failed (container gone not found)'],
    [
      'default/web/a',
      'timeout=-1',
      500,
      'checkpointing of default/web/a failed (CheckpointContainer requires the timeout value to be > 0)',
    ],
    ['default/web', '', 404, '404 page not found\n'],
  ])('%s?%s is %i', async (path, query, status, message) => {
    await expect(post(path, query)).rejects.toMatchObject({ status, message });
    expect(asked).toEqual([]);
  });

  it('is not for those who only read, nor where there is no machine', async () => {
    await expect(post('default/web/a', '', 'GET')).rejects.toMatchObject({ status: 405 });
    view = { ...view, checkpoints: undefined };
    await expect(post('default/web/a')).rejects.toMatchObject({ status: 404 });
  });
});
