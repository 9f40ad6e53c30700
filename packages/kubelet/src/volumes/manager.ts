/**
 * Volumes of the pods of a node. `mount` makes them, or brings up to date what shows objects; `pathOf` says where one is.
 * Folders are laid out as upstream's: `pods/UID/volumes/kubernetes.io~secret/NAME`.
 */
import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Node, Pod, Volume } from '@keelson/api/generated/types/core/v1';
import { volumeNodes } from '@keelson/api/resources/volumes';
import type { Client, EventRecorder } from '@keelson/client';
import { namesIn } from '@keelson/component/files';
import { optional, type PodObjects } from '../environment/objects.ts';
import type { DiskUsage, Filesystem } from '../node/filesystem.ts';
import { PreparationError } from '../pods/services.ts';
import { uidOf } from '../pods/spec.ts';
import { type Payload, writeAtomically } from './atomic-writer.ts';
import { boundClaimOf, usedVolumes } from './claims.ts';
import type { StorageOperations } from './csi/metrics.ts';
import { inlineVolume, persistentVolume } from './csi/volume.ts';
import type { CsiVolumes } from './csi/volumes.ts';
import { makeEmptyDir } from './empty-dir.ts';
import { throwFirst } from './failures.ts';
import { mountsBelow, mountTmpfs, unmount } from './filesystem.ts';
import { checkHostPath } from './hostpath.ts';
import { LocalVolumes } from './local.ts';
import { giveToGroup } from './ownership.ts';
import { configMapPayload, downwardPayload, type PayloadContext, projectedPayload, secretPayload } from './payload.ts';
import type { PodTokens } from './tokens.ts';

export interface VolumeManagerOptions {
  readonly client: Client;
  readonly recorder: EventRecorder;
  /** Absolute path of the kubelet's data. */
  readonly rootDirectory: string;
  readonly objects: PodObjects;
  readonly tokens: PodTokens;
  /** Of drivers. */
  readonly csi: Pick<CsiVolumes, 'mount' | 'release'>;
  readonly operations?: Pick<StorageOperations, 'observe'> | undefined;
  node(): Node | undefined;
  hostIps(): readonly string[];
  /** Addresses of the pod, as far as they are known. */
  podIps(uid: string): readonly string[];
}

/** Where a volume is, and what is so whatever a mount says. */
export interface MountedVolume {
  /** Empty for an image and a device. */
  readonly path: string;
  readonly readOnly: boolean;
  /** Of a block volume, where containers get it from. */
  readonly device?: string | undefined;
  /** Reference of the image that it shows. */
  readonly image?: string | undefined;
  /** Of which its users are to be. */
  readonly group?: number | undefined;
  /** How full it is, where somebody knows. @throws Error */
  readonly measure?: (() => Promise<VolumeUsage | undefined>) | undefined;
}

/** Of a volume with a file system of its own. */
export interface VolumeUsage {
  readonly filesystem: Omit<Filesystem, 'device'>;
  readonly used: DiskUsage;
}

const DEFAULT_MODE = 0o644;
/** Of a persistent volume: a group that those who use it are to be of. */
const GROUP = 'pv.beta.kubernetes.io/gid';

export class VolumeManager {
  readonly #options: VolumeManagerOptions;
  readonly #local: LocalVolumes;
  readonly #mounted = new Map<string, Map<string, MountedVolume>>();

  constructor(options: VolumeManagerOptions) {
    this.#options = options;
    const { client, recorder, rootDirectory } = options;
    this.#local = new LocalVolumes({ world: client.world, recorder, rootDirectory });
  }

  podDirectory(uid: string): string {
    return join(this.#options.rootDirectory, 'pods', uid);
  }

  of(uid: string): ReadonlyMap<string, MountedVolume> {
    return this.#mounted.get(uid) ?? new Map();
  }

  /** Groups that the pod's processes are of because of its volumes, and not by themselves. */
  groups({ metadata, spec }: Pod): number[] {
    const own = spec?.securityContext?.supplementalGroups ?? [];
    const groups = Array.from(this.of(metadata.uid ?? '').values(), ({ group }) => group);
    return [...new Set(groups.filter((group) => group !== undefined))].filter((group) => !own.includes(group));
  }

  /** Makes those that containers have, all at once. @throws PreparationError for one that cannot be had, PodRejection */
  async mount(pod: Pod, signal: AbortSignal): Promise<void> {
    const uid = uidOf(pod);
    const known = this.#mounted.get(uid) ?? new Map<string, MountedVolume>();
    this.#mounted.set(uid, known);
    const { mounts, devices } = usedVolumes(pod);
    const used = (pod.spec?.volumes ?? []).filter(({ name }) => mounts.has(name) || devices.has(name));
    const failures = new Map<string, unknown>();
    const mountOne = async (volume: Volume) => {
      const { name } = volume;
      try {
        known.set(name, await this.#mountOne(pod, volume, known.get(name), signal));
      } catch (error) {
        if (!known.has(name)) failures.set(name, error);
        // What is mounted stays as it is: a pod does not fall over what somebody takes away from it later.
        else if (!signal.aborted) {
          const { log } = this.#options.client.world;
          log.warn({ pod: pod.metadata.name, volume: name, error }, 'A volume stays as it was');
        }
      }
    };
    await Promise.all(used.map(mountOne));
    signal.throwIfAborted();
    throwFirst(failures);
  }

  async unmount(pod: Pod): Promise<void> {
    const uid = uidOf(pod);
    await this.#release(uid);
    await removeWithMounts(join(this.podDirectory(uid), 'volumes'));
    this.#mounted.delete(uid);
    this.#options.objects.release(uid);
    this.#options.tokens.forget(uid);
  }

  /** What is not only mounted in the pod's folder. */
  async #release(uid: string): Promise<void> {
    await this.#options.csi.release(uid);
    await this.#local.release(uid);
  }

  /** Everything of a pod. @throws Error as long as a driver has something of it */
  async remove(uid: string): Promise<void> {
    await this.#release(uid);
    await removeWithMounts(this.podDirectory(uid));
  }

  /** Pods that have something here. */
  async uids(): Promise<string[]> {
    return namesIn(join(this.#options.rootDirectory, 'pods'));
  }

  /** @param before it is mounted already: only what shows objects can have changed */
  async #mountOne(
    pod: Pod,
    volume: Volume,
    before: MountedVolume | undefined,
    signal: AbortSignal,
  ): Promise<MountedVolume> {
    const { emptyDir, hostPath, persistentVolumeClaim, ephemeral, image } = volume;
    if (before && (hostPath || image || emptyDir)) return before;
    if (image) return { path: '', readOnly: true, image: image.reference ?? '' };
    if (persistentVolumeClaim || ephemeral) return this.#claim(pod, volume, before, signal);
    const inline = inlineVolume(pod, volume);
    if (inline) return this.#options.csi.mount({ pod, volume: inline, signal });
    const own = () => this.#mountOwn(pod, volume, before !== undefined);
    const plugin = pluginOf(volume);
    const { operations } = this.#options;
    return operations && plugin ? operations.observe(`kubernetes.io/${plugin}`, 'volume_mount', own) : own();
  }

  /** What the kubelet makes itself. */
  async #mountOwn(pod: Pod, volume: Volume, again: boolean): Promise<MountedVolume> {
    const at = (plugin: string) =>
      join(this.podDirectory(uidOf(pod)), 'volumes', `kubernetes.io~${plugin}`, volume.name);
    const { emptyDir, hostPath } = volume;
    if (hostPath) {
      await checkHostPath(hostPath);
      return { path: hostPath.path, readOnly: false };
    }
    if (emptyDir) {
      const path = at('empty-dir');
      await makeEmptyDir(pod, emptyDir, path, this.#options.node()?.status?.allocatable?.memory);
      await this.#group(pod, path, false);
      return { path, readOnly: false };
    }
    const projected = await this.#project(pod, volume);
    if (!projected) throw new Error(`no volume plugin matched name: ${volume.name}`);
    const { plugin, payload, memory } = projected;
    await this.#write(pod, at(plugin), payload, memory, again);
    return { path: at(plugin), readOnly: true };
  }

  async #project(
    pod: Pod,
    { configMap, secret, downwardAPI, projected }: Volume,
  ): Promise<{ readonly plugin: string; readonly payload: Payload; readonly memory: boolean } | undefined> {
    const context = this.#context(pod);
    const namespace = pod.metadata.namespace ?? '';
    if (configMap) {
      const { name = '', items, defaultMode = DEFAULT_MODE, optional: may = false } = configMap;
      const found = await optional(context.objects.get('configmaps', namespace, name), may);
      const payload = found ? configMapPayload(found, items, defaultMode, may) : new Map();
      return { plugin: 'configmap', payload, memory: false };
    }
    if (secret) {
      const { secretName = '', items, defaultMode = DEFAULT_MODE, optional: may = false } = secret;
      const found = await optional(context.objects.get('secrets', namespace, secretName), may);
      const payload = found ? secretPayload(found, items, defaultMode, may) : new Map();
      return { plugin: 'secret', payload, memory: true };
    }
    if (downwardAPI) {
      const payload = downwardPayload(downwardAPI.items ?? [], downwardAPI.defaultMode ?? DEFAULT_MODE, context);
      return { plugin: 'downward-api', payload, memory: false };
    }
    if (projected) {
      const { files } = await projectedPayload(projected.sources ?? [], projected.defaultMode ?? DEFAULT_MODE, context);
      return { plugin: 'projected', payload: files, memory: true };
    }
    return undefined;
  }

  #context(pod: Pod): PayloadContext {
    const { objects, tokens, node, hostIps, podIps } = this.#options;
    return {
      pod,
      podIps: podIps(uidOf(pod)),
      hostIps: hostIps(),
      objects: objects.for(pod),
      node: node(),
      token: ({ audience, seconds }) => tokens.get(pod, audience, seconds),
    };
  }

  /** @param memory it is secret: where it can, it never reaches a disk */
  async #write(pod: Pod, path: string, payload: Payload, memory: boolean, again: boolean): Promise<void> {
    const { client } = this.#options;
    await mkdir(path, { recursive: true });
    if (memory && !again) {
      await mountTmpfs(path).catch((error) =>
        client.world.log.warn({ path, error }, 'No memory to mount: secrets are on disk'),
      );
    }
    if (!again) await chmod(path, 0o755);
    const stamp = new Date(client.world.clock.now()).toISOString().slice(0, 19).replace(/[-T:]/g, '_');
    const group = pod.spec?.securityContext?.fsGroup;
    const changed = await writeAtomically(path, payload, stamp, group);
    if (changed) await this.#group(pod, path, true);
  }

  #group(pod: Pod, path: string, readOnly: boolean): Promise<void> {
    const { client, recorder } = this.#options;
    return giveToGroup({ world: client.world, recorder }, pod, path, readOnly);
  }

  /** What a claim is bound to: a driver's volume, a path of this node, or a local volume. */
  async #claim(
    pod: Pod,
    volume: Volume,
    before: MountedVolume | undefined,
    signal: AbortSignal,
  ): Promise<MountedVolume> {
    const bound = await boundClaimOf(this.#options.client, pod, volume);
    const { metadata } = bound.persistent;
    const readOnly = volume.persistentVolumeClaim?.readOnly === true;
    const node = this.#options.node();
    if (!before && node && !volumeNodes(bound.persistent)(node)) {
      const what = `MountVolume.NodeAffinity check failed for volume "${metadata.name}"`;
      throw new PreparationError('FailedMount', `${what} : no matching NodeSelectorTerms`);
    }
    const driven = persistentVolume(bound.persistent, readOnly);
    const given = Number.parseInt(metadata.annotations?.[GROUP] ?? '', 10);
    const group = Number.isNaN(given) ? undefined : given;
    if (driven) return { ...(await this.#options.csi.mount({ pod, volume: driven, bound, signal })), group };
    if (before) return before;
    return { ...(await this.#local.mount(pod, bound.persistent, readOnly)), group };
  }
}

const PLUGINS = {
  hostPath: 'host-path',
  emptyDir: 'empty-dir',
  configMap: 'configmap',
  secret: 'secret',
  downwardAPI: 'downward-api',
  projected: 'projected',
} as const;

/** Upstream's name for what makes a volume; undefined for what others make. */
function pluginOf(volume: Volume): string | undefined {
  const [, name] = Object.entries(PLUGINS).find(([field]) => volume[field as keyof typeof PLUGINS]) ?? [];
  return name;
}

/** What is mounted there is let go of first, or nothing is removed. */
async function removeWithMounts(directory: string): Promise<void> {
  for (const point of await mountsBelow(directory)) await unmount(point);
  await rm(directory, { recursive: true, force: true });
}
