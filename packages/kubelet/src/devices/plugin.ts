/** Calls to one device plugin (pkg/kubelet/cm/devicemanager/endpoint.go and plugin/v1beta1/client.go). */
import { RpcClient } from '@keelson/component/grpc/client';
import { RpcError } from '@keelson/component/grpc/errors';
import { type DeviceMessage, devicePlugin } from './messages.ts';
import type { Device, DeviceGrant, PluginOptions } from './types.ts';

const CONNECT_MS = 10_000;
const PRE_START_MS = 30_000;
/** Its own time: devices may have to be set up. */
const UNLIMITED = { timeoutMs: 0 };

/** All throw RpcError. */
export interface Plugin {
  /** What it wants to be asked. @throws Error when it cannot be reached */
  options(): Promise<PluginOptions>;
  /** All its devices, again whenever one of them changes; ends when the plugin does. */
  devices(): AsyncIterable<readonly Device[]>;
  prefer(available: readonly string[], must: readonly string[], count: number): Promise<readonly string[]>;
  /** @returns undefined where the plugin says nothing of the container */
  allocate(ids: readonly string[]): Promise<DeviceGrant | undefined>;
  preStart(ids: readonly string[]): Promise<void>;
  /** Calls under way fail. */
  close(): void;
}

/** @param socket path of the plugin's */
export function connectPlugin(socket: string): Plugin {
  const target = `unix:${socket}`;
  const client = new RpcClient(target);
  const ended = new AbortController();
  return {
    async options() {
      // It may register a little before it listens.
      const patient = new RpcClient(target, { waitForReady: true });
      try {
        return await patient.call(devicePlugin, 'GetDevicePluginOptions', {}, { timeoutMs: CONNECT_MS });
      } catch (error) {
        if (error instanceof RpcError && error.codeName === 'DeadlineExceeded') {
          throw new Error('failed to dial device plugin: context deadline exceeded', { cause: error });
        }
        throw new Error(`failed to get device plugin options: ${(error as Error).message}`, { cause: error });
      } finally {
        patient.close();
      }
    },
    async *devices() {
      for await (const { devices } of client.stream(devicePlugin, 'ListAndWatch', {}, ended.signal)) {
        yield devices.map(deviceOf);
      }
    },
    async prefer(available, must, count) {
      const asked = { availableDeviceIDs: available, mustIncludeDeviceIDs: must, allocationSize: count };
      const request = { containerRequests: [asked] };
      const { containerResponses } = await client.call(devicePlugin, 'GetPreferredAllocation', request, UNLIMITED);
      return containerResponses[0]?.deviceIDs ?? [];
    },
    async allocate(ids) {
      const request = { containerRequests: [{ devicesIds: ids }] };
      return (await client.call(devicePlugin, 'Allocate', request, UNLIMITED)).containerResponses[0];
    },
    async preStart(ids) {
      await client.call(devicePlugin, 'PreStartContainer', { devicesIds: ids }, { timeoutMs: PRE_START_MS });
    },
    close() {
      ended.abort();
      client.close();
    },
  };
}

function deviceOf({ ID, health, topology }: DeviceMessage): Device {
  return { id: ID, healthy: health === 'Healthy', nodes: (topology?.nodes ?? []).map((node) => node.ID) };
}
