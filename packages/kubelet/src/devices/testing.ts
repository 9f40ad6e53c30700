/** A device plugin, for tests. */
import { join } from 'node:path';
import { RpcClient } from '@keelson/component/grpc/client';
import { RpcServer } from '@keelson/component/grpc/server';
import { type DeviceMessage, devicePlugin, registration, VERSION } from './messages.ts';
import { KUBELET_SOCKET } from './registration.ts';
import type { DeviceGrant, PluginOptions } from './types.ts';

export interface TestDevicePluginOptions {
  /** Where the kubelet's socket is. */
  readonly directory: string;
  readonly resource: string;
  /** By id: whether it is healthy. */
  readonly devices: Readonly<Record<string, boolean>>;
  readonly options?: Partial<PluginOptions>;
  /** What a container is given. @throws Error */
  readonly allocate?: (ids: readonly string[]) => Partial<DeviceGrant>;
  /** Of those that are available. */
  readonly prefer?: (available: readonly string[], must: readonly string[], count: number) => readonly string[];
  /** Of its own socket's file; as the resource without. */
  readonly socketName?: string;
}

export interface TestDevicePlugin {
  readonly server: RpcServer;
  readonly socket: string;
  /** What it was asked, as `METHOD id,id`. */
  readonly asked: readonly string[];
  /** Says that its devices are these. */
  list(devices: Readonly<Record<string, boolean>>): void;
  /** @throws RpcError */
  register(version?: string): Promise<void>;
  stop(): void;
}

/** It serves; it has not registered yet. */
export async function startTestDevicePlugin(given: TestDevicePluginOptions): Promise<TestDevicePlugin> {
  const { directory, resource, options = {}, allocate = () => ({}), prefer = () => [] } = given;
  const socketName = given.socketName ?? `${resource.replace('/', '-')}.sock`;
  const offered: PluginOptions = { preStartRequired: false, getPreferredAllocationAvailable: false, ...options };
  const asked: string[] = [];
  let devices = given.devices;
  let changed = Promise.withResolvers<void>();
  const server = new RpcServer().add(devicePlugin, {
    GetDevicePluginOptions: () => offered,
    ListAndWatch: async function* (_request, signal) {
      const gone = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      while (!signal.aborted) {
        const next = changed.promise;
        yield { devices: messagesOf(devices) };
        await Promise.race([next, gone]);
      }
    },
    GetPreferredAllocation: ({ containerRequests }) => ({
      containerResponses: containerRequests.map(
        ({ availableDeviceIDs: available, mustIncludeDeviceIDs: must, allocationSize }) => {
          asked.push(`GetPreferredAllocation ${available.join()} ${must.join()} ${allocationSize}`);
          return { deviceIDs: prefer(available, must, allocationSize) };
        },
      ),
    }),
    Allocate: ({ containerRequests }) => ({
      containerResponses: containerRequests.map(({ devicesIds }) => {
        asked.push(`Allocate ${devicesIds.join()}`);
        return { envs: {}, mounts: [], devices: [], annotations: {}, cdiDevices: [], ...allocate(devicesIds) };
      }),
    }),
    PreStartContainer: ({ devicesIds }) => {
      asked.push(`PreStartContainer ${devicesIds.join()}`);
      return {};
    },
  });
  await server.listen(join(directory, socketName));
  return {
    server,
    socket: join(directory, socketName),
    asked,
    list: (now) => {
      devices = now;
      changed.resolve();
      changed = Promise.withResolvers();
    },
    register: async (version = VERSION) => {
      const client = new RpcClient(`unix:${join(directory, KUBELET_SOCKET)}`);
      const request = { version, endpoint: socketName, resourceName: resource, options: offered };
      try {
        await client.call(registration, 'Register', request, { timeoutMs: 10_000 });
      } finally {
        client.close();
      }
    },
    stop: () => server.stop(),
  };
}

function messagesOf(devices: Readonly<Record<string, boolean>>): DeviceMessage[] {
  return Object.entries(devices).map(([ID, healthy]) => ({
    ID,
    health: healthy ? 'Healthy' : 'Unhealthy',
    topology: null,
  }));
}
