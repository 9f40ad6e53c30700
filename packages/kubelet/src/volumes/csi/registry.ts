/**
 * The drivers that have registered with this kubelet (RegistrationHandler in pkg/volume/csi/csi_plugin.go). One that is
 * registered is asked what it calls the node, and the cluster is told.
 */
import type { World } from '@keelson/client';
import type { Plugin, PluginHandler } from '../../plugins/handler.ts';
import { Driver } from './driver.ts';
import type { CsiOperations } from './metrics.ts';
import type { DriverInfo, NodeInfo } from './node-info.ts';
import { highestVersion, isNewer } from './versions.ts';

interface Registered {
  readonly driver: Driver;
  readonly version: readonly number[];
}

export interface DriverRegistryOptions {
  readonly world: World;
  readonly nodeInfo: NodeInfo;
  readonly operations?: CsiOperations | undefined;
  /** A driver came or went. */
  changed(name: string): void;
}

export class DriverRegistry implements PluginHandler {
  readonly #options: DriverRegistryOptions;
  readonly #drivers = new Map<string, Registered>();

  constructor(options: DriverRegistryOptions) {
    this.#options = options;
  }

  /** @throws Error where there is none of that name now */
  get(name: string): Driver {
    if (name === '') throw new Error('driver name is empty');
    const found = this.#drivers.get(name);
    if (!found) throw new Error(`driver name ${name} not found in the list of registered CSI drivers`);
    return found.driver;
  }

  has(name: string): boolean {
    return this.#drivers.has(name);
  }

  /** @throws Error for a driver of no version that is known here */
  validate({ name, endpoint, versions }: Plugin): void {
    try {
      this.#versionOf('ValidatePlugin', name, versions);
    } catch (error) {
      const problem = (error as Error).message;
      throw new Error(`validation failed for CSI Driver ${name} at endpoint ${endpoint}: ${problem}`);
    }
  }

  async register({ name, endpoint, versions }: Plugin): Promise<void> {
    const version = this.#versionOf('RegisterPlugin', name, versions);
    this.#drivers.get(name)?.driver.close();
    const driver = new Driver(name, endpoint, this.#options.operations);
    this.#drivers.set(name, { driver, version });
    try {
      await this.#options.nodeInfo.install(await infoOf(driver));
    } catch (error) {
      await this.#remove(name);
      throw error;
    }
    this.#options.changed(name);
  }

  /** Of a driver that has come with another socket since nothing is taken away. */
  async deregister({ name, endpoint }: Plugin): Promise<void> {
    if (this.#drivers.get(name)?.driver.endpoint !== endpoint) return;
    await this.#remove(name);
    this.#options.changed(name);
  }

  /** Has the cluster told how many volumes of a driver the node can have now. @throws Error */
  async refresh(name: string): Promise<void> {
    await this.#options.nodeInfo.update(await infoOf(this.get(name)));
  }

  close(): void {
    for (const { driver } of this.#drivers.values()) driver.close();
    this.#drivers.clear();
  }

  async #remove(name: string): Promise<void> {
    const { nodeInfo, world } = this.#options;
    this.#drivers.get(name)?.driver.close();
    this.#drivers.delete(name);
    await nodeInfo
      .uninstall(name)
      .catch((error) => world.log.error({ driver: name, error }, 'The cluster was not told that a driver is gone'));
  }

  #versionOf(caller: string, name: string, versions: readonly string[]): readonly number[] {
    const failed = `kubernetes.io/csi: ${caller} for CSI driver "${name}" failed.`;
    if (versions.length === 0) throw new Error(`${failed} Plugin returned an empty list for supported versions`);
    let version: readonly number[];
    try {
      version = highestVersion(versions);
    } catch (error) {
      const given = versions.map((each) => JSON.stringify(each)).join(' ');
      throw new Error(
        `${failed} None of the versions specified [${given}] are supported. err=${(error as Error).message}`,
      );
    }
    const before = this.#drivers.get(name);
    if (before && !isNewer(version, before.version)) {
      const higher = `Another driver with the same name is already registered with a higher supported version`;
      throw new Error(`${failed} ${higher}: "${before.version.join('.')}"`);
    }
    return version;
  }
}

async function infoOf(driver: Driver): Promise<DriverInfo> {
  const { nodeId, maxVolumesPerNode, accessibleTopology } = await driver.call('NodeGetInfo', {});
  return {
    name: driver.name,
    nodeId,
    maxVolumes: maxVolumesPerNode,
    topology: accessibleTopology?.segments ?? {},
  };
}
