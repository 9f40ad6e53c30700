/** What a pod has on a real node besides its containers, and what is left of it there. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, ResourceStatus } from '@keelson/api/generated/types/core/v1';
import type { World } from '@keelson/client';
import { namesIn } from '@keelson/component/files';
import type { PodCgroups } from '../cgroups/pods.ts';
import type { ClaimManager } from '../claims/manager.ts';
import type { DeviceManager } from '../devices/manager.ts';
import type { LogLinks } from '../logs/links.ts';
import type { ContainerStatus } from '../runtime/container.ts';
import * as names from '../runtime/labels.ts';
import { readLogTail, readTail } from '../runtime/log.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { UserNamespaces } from '../security/user-namespaces.ts';
import type { VolumeManager } from '../volumes/manager.ts';
import { podLogsIn } from './configurations.ts';
import { PreparationError, type Preparer } from './services.ts';
import { uidOf } from './spec.ts';

export interface NodePreparerOptions {
  readonly world: World;
  readonly runtime: Runtime;
  readonly volumes: VolumeManager;
  /** `/var/log/pods`: absolute. */
  readonly logsDirectory: string;
  readonly logLinks?: LogLinks | undefined;
  readonly cgroups: PodCgroups;
  readonly userNamespaces: UserNamespaces;
  readonly devices: Pick<DeviceManager, 'healthOf'>;
  readonly claims: Pick<ClaimManager, 'prepare' | 'unprepare' | 'healthOf'>;
}

/** What a container may leave as its last words, and what is taken of its log in their place. */
const MAX_MESSAGE = 4096;
const MAX_LOG_MESSAGE = 2048;
const MAX_LOG_LINES = 80;

export class NodePreparer implements Preparer {
  readonly #options: NodePreparerOptions;
  readonly #messages = new Map<string, string>();

  constructor(options: NodePreparerOptions) {
    this.#options = options;
  }

  async prepare(pod: Pod, signal: AbortSignal): Promise<void> {
    const { volumes } = this.#options;
    await this.#options.cgroups.ensure(pod).catch((error: Error) => {
      const message = `unable to ensure pod container exists: ${error.message}`;
      throw new PreparationError('FailedCreatePodContainer', message, error);
    });
    const directory = volumes.podDirectory(uidOf(pod));
    for (const name of ['volumes', 'plugins', 'containers'])
      await mkdir(join(directory, name), { recursive: true, mode: 0o750 });
    signal.throwIfAborted();
    await volumes.mount(pod, signal);
  }

  async prepareClaims(pod: Pod, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.claims.prepare(pod, signal);
    } catch (error) {
      const message = `Failed to prepare dynamic resources: ${(error as Error).message}`;
      throw new PreparationError('FailedPrepareDynamicResources', message, error);
    }
  }

  async releaseClaims(pod: Pod): Promise<void> {
    await this.#options.claims.unprepare(uidOf(pod));
  }

  deviceHealth(pod: Pod, containerName: string): readonly ResourceStatus[] {
    const { devices, claims } = this.#options;
    const container = pod.spec?.containers?.find(({ name }) => name === containerName);
    const claimed = container ? claims.healthOf(pod, container) : [];
    return [...devices.healthOf(uidOf(pod), containerName), ...claimed];
  }

  /** Logs outlive what the runtime remembers. */
  async restarts(pod: Pod, containerName: string): Promise<number> {
    const files = await namesIn(join(this.#logDirectory(pod), containerName));
    const attempts = files.flatMap((file) => /^(\d+)\.log/.exec(file)?.[1] ?? []).map(Number);
    return attempts.length > 0 ? Math.max(...attempts) + 1 : 0;
  }

  async linkLog({ metadata }: Pod, containerName: string, id: string, log: string): Promise<void> {
    const { logLinks, world } = this.#options;
    await logLinks?.link(metadata, containerName, id, log).catch((error) => {
      world.log.warn({ log, error }, 'Could not link to the log of a container');
    });
  }

  terminationMessage(container: ContainerStatus): string {
    const known = this.#messages.get(container.id);
    if (known !== undefined) return known;
    const message = readMessage(container);
    this.#messages.set(container.id, message);
    return message;
  }

  async cleanUp(pod: Pod): Promise<void> {
    await this.#options.volumes.unmount(pod);
    await this.#options.cgroups.remove(uidOf(pod));
  }

  async forget(pod: Pod): Promise<void> {
    for (const id of this.#messages.keys()) {
      if (!(await this.#options.runtime.pod(uidOf(pod))).containers.some((each) => each.id === id))
        this.#messages.delete(id);
    }
    await this.#options.volumes.remove(uidOf(pod));
    this.#options.userNamespaces.release(uidOf(pod));
    await rm(this.#logDirectory(pod), { recursive: true, force: true });
  }

  async removeOrphans(isKnown: (uid: string) => boolean): Promise<void> {
    const { volumes, logsDirectory, userNamespaces, world } = this.#options;
    await this.#options.cgroups.removeOrphans(isKnown).catch((error) => {
      world.log.warn({ error }, 'Could not remove cgroups of pods that are no more');
    });
    for (const uid of await volumes.uids()) {
      if (isKnown(uid)) continue;
      try {
        await this.#options.cgroups.remove(uid);
        await volumes.remove(uid);
        userNamespaces.release(uid);
      } catch (error) {
        // The driver of one pod's volume may be a pod that has not come yet.
        world.log.warn({ uid, error }, 'Could not remove what is left of a pod');
      }
    }
    await this.#removeLogLinks();
    for (const name of await namesIn(logsDirectory)) {
      const uid = /^[^_]+_[^_]+_([^_]+)$/.exec(name)?.[1];
      if (uid !== undefined && !isKnown(uid)) await rm(join(logsDirectory, name), { recursive: true, force: true });
    }
  }

  async #removeLogLinks(): Promise<void> {
    const { logLinks, runtime } = this.#options;
    if (!logLinks) return;
    const containers = (await runtime.list()).flatMap((pod) => pod.containers);
    const running = new Set(containers.filter(({ state }) => state === 'running').map(({ id }) => id));
    await logLinks.removeDangling((id) => running.has(id));
  }

  #logDirectory(pod: Pod): string {
    return podLogsIn(this.#options.logsDirectory, pod);
  }
}

function readMessage({ annotations, mounts, state, log }: ContainerStatus): string {
  if (state.type !== 'exited') return '';
  const path = annotations[names.TERMINATION_MESSAGE_PATH];
  const falls = annotations[names.TERMINATION_MESSAGE_POLICY] === 'FallbackToLogsOnError' && state.exitCode !== 0;
  const file = mounts.find(({ containerPath }) => containerPath === path)?.hostPath;
  try {
    const words = file ? readTail(file, MAX_MESSAGE).toString() : '';
    if (words !== '' || !falls || state.reason === 'ContainerCannotRun' || log.type !== 'file') return words;
    return readLogTail(log.path, MAX_LOG_LINES, MAX_LOG_MESSAGE);
  } catch (error) {
    return `Error on reading termination log ${file}: ${(error as Error).message}`;
  }
}
