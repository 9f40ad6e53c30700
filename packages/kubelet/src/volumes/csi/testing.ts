/** A driver of volumes, for tests: a volume is a folder of its own, which it shows where it is asked to. */
import { execFile } from 'node:child_process';
import { mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { RpcError } from '@keelson/component/grpc/errors';
import { RpcServer } from '@keelson/component/grpc/server';
import { startTestPlugin } from '../../plugins/testing.ts';
import { type NodeCapability, type NodeMethods, nodeService } from './driver.ts';

const run = promisify(execFile);

type Method = keyof NodeMethods;
type Request<M extends Method> = NodeMethods[M][0];

export interface TestDriverOptions {
  readonly name: string;
  /** Below a kubelet's `plugins_registry`. */
  readonly socket: string;
  /** Where volumes are; without it folders are made, and nothing is mounted in them. */
  readonly data?: string;
  readonly can?: readonly NodeCapability[];
  readonly info?: Partial<NodeMethods['NodeGetInfo'][1]>;
}

export interface TestDriver {
  /** All but what asks for its capabilities, in order. */
  readonly calls: readonly { readonly method: Method; readonly request: object }[];
  /** Of one method. */
  asked<M extends Method>(method: M): Request<M>[];
  /** From now on calls of a method fail, or do not any more. */
  fail(method: Method, error: RpcError | undefined): void;
  stop(): void;
}

export const EVERYTHING: readonly NodeCapability[] = ['STAGE_UNSTAGE_VOLUME', 'GET_VOLUME_STATS', 'EXPAND_VOLUME'];

export async function startTestDriver(options: TestDriverOptions): Promise<TestDriver> {
  const { name, socket, data, can = EVERYTHING, info } = options;
  const calls: { method: Method; request: object }[] = [];
  const failures = new Map<Method, RpcError>();
  const noted =
    <M extends Method>(method: M, answer: (request: Request<M>) => Promise<NodeMethods[M][1]>) =>
    async (request: Request<M>) => {
      calls.push({ method, request });
      const failure = failures.get(method);
      if (failure) throw failure;
      return answer(request);
    };
  const show = async (handle: string, path: string) => {
    await mkdir(path, { recursive: true });
    if (!data) return;
    await mkdir(join(data, handle), { recursive: true, mode: 0o777 });
    await run('mount', ['--bind', join(data, handle), path]);
  };
  const hide = async (path: string) => {
    // What was not shown is hidden already.
    if (data) await run('umount', [path]).catch(() => {});
    await rmdir(path).catch(() => {});
  };
  const done = async (work: Promise<void>) => {
    await work;
    return {};
  };
  const bytes = { available: 60, total: 100, used: 40, unit: 'BYTES' };
  const inodes = { available: 6, total: 10, used: 4, unit: 'INODES' };
  const server = new RpcServer().add(nodeService, {
    NodeGetCapabilities: () => ({ capabilities: can.map((type) => ({ rpc: { type } })) }),
    NodeGetInfo: noted('NodeGetInfo', async () => ({
      nodeId: `${name}-node`,
      maxVolumesPerNode: 3,
      accessibleTopology: { segments: { [`topology.${name}/zone`]: 'a' } },
      ...info,
    })),
    NodeStageVolume: noted('NodeStageVolume', ({ volumeId, stagingTargetPath }) =>
      done(show(volumeId, stagingTargetPath)),
    ),
    NodeUnstageVolume: noted('NodeUnstageVolume', ({ stagingTargetPath }) => done(hide(stagingTargetPath))),
    NodePublishVolume: noted('NodePublishVolume', ({ volumeId, targetPath }) => done(show(volumeId, targetPath))),
    NodeUnpublishVolume: noted('NodeUnpublishVolume', ({ targetPath }) => done(hide(targetPath))),
    NodeGetVolumeStats: noted('NodeGetVolumeStats', async () => ({ usage: [bytes, inodes] })),
    NodeExpandVolume: noted('NodeExpandVolume', async ({ capacityRange }) => ({
      capacityBytes: capacityRange.requiredBytes,
    })),
  });
  const plugin = await startTestPlugin({ type: 'CSIPlugin', name, socket, supportedVersions: ['1.0.0'], server });
  return {
    calls,
    asked: <M extends Method>(method: M) =>
      calls.flatMap((call) => (call.method === method ? [call.request as Request<M>] : [])),
    fail: (method, error) => {
      if (error) failures.set(method, error);
      else failures.delete(method);
    },
    stop: () => plugin.stop(),
  };
}
