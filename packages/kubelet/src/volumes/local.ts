/** Volumes of claims that are paths of the node, and devices of it (pkg/volume/hostpath, pkg/volume/local). */
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PersistentVolume, Pod } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder, World } from '@keelson/client';
import { namesIn } from '@keelson/component/files';
import { PreparationError } from '../pods/services.ts';
import { uidOf } from '../pods/spec.ts';
import { type DevicePlaces, hideDevice, showDevice, tellOfDevice } from './block.ts';
import { setUpFailure } from './failures.ts';
import { bindMount } from './filesystem.ts';
import { checkHostPath } from './hostpath.ts';
import type { MountedVolume } from './manager.ts';
import { giveToGroup } from './ownership.ts';

const PLUGIN = 'kubernetes.io~local-volume';

export interface LocalVolumesOptions {
  readonly world: World;
  readonly recorder: EventRecorder;
  /** Absolute path of the kubelet's data. */
  readonly rootDirectory: string;
}

export class LocalVolumes {
  readonly #options: LocalVolumesOptions;

  constructor(options: LocalVolumesOptions) {
    this.#options = options;
  }

  /** @throws PreparationError for what is not there, or is no volume of the node */
  async mount(pod: Pod, { metadata, spec }: PersistentVolume, readOnly: boolean): Promise<MountedVolume> {
    const { name = '' } = metadata;
    const { hostPath, local, volumeMode } = spec;
    if (local && !(await stat(local.path).catch(() => undefined))) {
      const what = `MountVolume.NewMounter initialization failed for volume "${name}"`;
      throw new PreparationError('FailedMount', `${what} : path "${local.path}" does not exist`);
    }
    if (local && volumeMode === 'Block') return this.#map(pod, name, local.path, readOnly);
    try {
      if (hostPath) {
        await checkHostPath(hostPath);
        return { path: hostPath.path, readOnly };
      }
      if (!local) throw new Error('no volume plugin matched');
      const path = join(this.#options.rootDirectory, 'pods', uidOf(pod), 'volumes', PLUGIN, name);
      await bindMount(local.path, path);
      await giveToGroup(this.#options, pod, path, readOnly);
      return { path, readOnly };
    } catch (error) {
      throw setUpFailure(name, error);
    }
  }

  /** Takes devices from a pod that does not run any more. @throws Error */
  async release(uid: string): Promise<void> {
    for (const name of await namesIn(this.#devicesOf(uid))) await hideDevice(this.#places(uid, name));
  }

  async #map(pod: Pod, name: string, path: string, readOnly: boolean): Promise<MountedVolume> {
    const places = this.#places(uidOf(pod), name);
    try {
      await showDevice(await realpath(path), places);
    } catch (error) {
      const message = `MapVolume.MapBlockVolume failed for volume "${name}" : ${(error as Error).message}`;
      throw new PreparationError('FailedMapVolume', message, error);
    }
    tellOfDevice(this.#options.recorder, pod, name, places);
    return { path: '', readOnly, device: places.link };
  }

  #devicesOf(uid: string): string {
    return join(this.#options.rootDirectory, 'pods', uid, 'volumeDevices', PLUGIN);
  }

  #places(uid: string, name: string): DevicePlaces {
    const shared = join(this.#options.rootDirectory, 'plugins', PLUGIN, 'volumeDevices', name, uid);
    return { shared, link: join(this.#devicesOf(uid), name) };
  }
}
