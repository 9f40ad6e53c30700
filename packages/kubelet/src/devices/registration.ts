/**
 * How device plugins get to the kubelet: they register on its socket, next to which theirs are, or are found among the sockets
 * of all plugins (pkg/kubelet/cm/devicemanager/plugin/v1beta1).
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isExtendedResource } from '@keelson/api/resources/names';
import { RpcServer } from '@keelson/component/grpc/server';
import type { PluginHandler } from '../plugins/handler.ts';
import type { DeviceManager } from './manager.ts';
import { registration, VERSION } from './messages.ts';
import type { DeviceMetrics } from './metrics.ts';

export interface RegistrationOptions {
  /** `ROOT/device-plugins`; it is there. */
  readonly directory: string;
  readonly devices: Pick<DeviceManager, 'connect' | 'disconnect'>;
  readonly metrics: DeviceMetrics;
}

export const KUBELET_SOCKET = 'kubelet.sock';

/**
 * Serves the registry. Sockets that are in its folder go, so that plugins notice and register again.
 * @returns ends it @throws Error
 */
export async function serveRegistry({ directory, devices, metrics }: RegistrationOptions): Promise<() => void> {
  for (const file of await readdir(directory, { withFileTypes: true })) {
    if (file.isSocket()) await rm(join(directory, file.name), { force: true });
  }
  const server = new RpcServer().add(registration, {
    Register: async ({ version, endpoint, resourceName }) => {
      metrics.registered(resourceName);
      if (version !== VERSION) {
        throw new Error(
          `requested API version "${version}" is not supported by kubelet. Supported version is ["${VERSION}"]`,
        );
      }
      if (!isExtendedResource(resourceName)) throw new Error(`the ResourceName "${resourceName}" is invalid`);
      await devices.connect(resourceName, join(directory, endpoint));
      return {};
    },
  });
  await server.listen(join(directory, KUBELET_SOCKET));
  return () => server.stop();
}

/** For plugins that are found. */
export function deviceHandler(devices: Pick<DeviceManager, 'connect' | 'disconnect'>): PluginHandler {
  return {
    validate({ name, versions }) {
      if (!versions.includes(VERSION)) {
        throw new Error(`manager version, ${VERSION}, is not among plugin supported versions [${versions.join(' ')}]`);
      }
      if (!isExtendedResource(name)) {
        throw new Error(`invalid name of device plugin socket: the ResourceName "${name}" is invalid`);
      }
    },
    register: ({ name, endpoint }) => devices.connect(name, endpoint),
    deregister: async ({ name, endpoint }) => devices.disconnect(name, endpoint),
  };
}
