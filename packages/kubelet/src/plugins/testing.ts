/** A plugin on a socket, for tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RpcServer } from '@keelson/component/grpc/server';
import type { PluginType } from './manager.ts';
import { type PluginInfo, type RegistrationStatus, registration } from './registration.ts';

export interface TestPluginOptions extends Partial<Omit<PluginInfo, 'type'>> {
  readonly type: PluginType;
  readonly name: string;
  /** Where it says what it is; below a kubelet's `plugins_registry`. */
  readonly socket: string;
  /** With what else it serves there. */
  readonly server?: RpcServer;
}

export interface TestPlugin {
  /** What it was told, the last at the end. */
  readonly told: readonly RegistrationStatus[];
  /** How often it was asked what it is. */
  asked(): number;
  /** The socket goes with it. */
  stop(): void;
}

export async function startTestPlugin(options: TestPluginOptions): Promise<TestPlugin> {
  const { type, name, endpoint = '', supportedVersions = ['v1'], socket, server = new RpcServer() } = options;
  const told: RegistrationStatus[] = [];
  let asked = 0;
  server.add(registration, {
    GetInfo: () => {
      asked++;
      return { type, name, endpoint, supportedVersions };
    },
    NotifyRegistrationStatus: (status) => {
      told.push(status);
      return {};
    },
  });
  await server.listen(socket);
  return { told, asked: () => asked, stop: () => server.stop() };
}

/** A folder whose path is short enough for sockets. @returns with what removes it */
export async function socketDirectory(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'keelson-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
