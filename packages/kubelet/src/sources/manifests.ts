/** Static pods: manifests in a folder of the node (pkg/kubelet/config/file.go, common.go). */
import { createHash } from 'node:crypto';
import { watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { decodeYamlDocument } from '@keelson/api/codec/yaml';
import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import type { World } from '@keelson/client';
import { CONFIG_HASH, CONFIG_SEEN, CONFIG_SOURCE, uidOf } from '../pods/spec.ts';

export interface ManifestsOptions {
  /** A folder, or one manifest. */
  readonly path: string;
  readonly nodeName: string;
  readonly world: World;
  put(pod: Pod): void;
  remove(pod: Pod): void;
}

/** Files that change without anybody telling are seen so often. */
const RESCAN_MS = 20_000;

export class Manifests {
  readonly #options: ManifestsOptions;
  #pods = new Map<string, Pod>();
  #cancel = () => {};
  #unwatch = () => {};
  #scanning: Promise<void> | undefined;

  constructor(options: ManifestsOptions) {
    this.#options = options;
  }

  /** Resolves when all that is there is told. */
  async start(): Promise<void> {
    await this.scan();
    try {
      const watcher = watch(this.#options.path, { persistent: false }, () => void this.scan());
      watcher.on('error', () => {});
      this.#unwatch = () => watcher.close();
    } catch {
      // A folder that is not there yet is looked for.
    }
    this.#schedule();
  }

  stop(): void {
    this.#cancel();
    this.#unwatch();
  }

  scan(): Promise<void> {
    this.#scanning ??= this.#scan().finally(() => {
      this.#scanning = undefined;
    });
    return this.#scanning;
  }

  async #scan(): Promise<void> {
    const { put, remove } = this.#options;
    const found = new Map<string, Pod>();
    for (const file of await this.#files()) {
      const pod = await this.#read(file);
      if (pod) found.set(uidOf(pod), this.#pods.get(uidOf(pod)) ?? pod);
    }
    const before = this.#pods;
    this.#pods = found;
    for (const [uid, pod] of before) if (!found.has(uid)) remove(pod);
    for (const [uid, pod] of found) if (!before.has(uid)) put(pod);
  }

  async #files(): Promise<string[]> {
    const { path } = this.#options;
    const found = await stat(path).catch(() => undefined);
    if (!found) return [];
    if (!found.isDirectory()) return [path];
    const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
    return names.map((name) => join(path, name));
  }

  async #read(file: string): Promise<Pod | undefined> {
    const { nodeName, world } = this.#options;
    try {
      const object = decodeYamlDocument(await readFile(file)).value as Pod;
      if (object?.kind !== 'Pod' || !object.metadata?.name || !object.spec) throw new Error('it is no pod');
      return staticPod(object, file, nodeName, formatTime(new Date(world.clock.now())));
    } catch (error) {
      world.log.warn({ file, error }, 'A manifest could not be read');
      return undefined;
    }
  }

  #schedule(): void {
    this.#cancel = this.#options.world.clock.after(
      RESCAN_MS,
      () => {
        void this.scan();
        this.#schedule();
      },
      { background: true },
    );
  }
}

/** The pod of a manifest: bound to the node, named after it, with a uid that is of its contents. */
export function staticPod(manifest: Pod, file: string, nodeName: string, now: string): Pod {
  const { metadata, spec } = manifest;
  const hash = createHash('md5')
    .update(`host:${nodeName}file:${basename(file)}${JSON.stringify(manifest)}`)
    .digest('hex');
  const uid = metadata.uid || hash;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadata,
      name: `${metadata.name}-${nodeName.toLowerCase()}`,
      namespace: metadata.namespace || 'default',
      uid,
      annotations: { ...metadata.annotations, [CONFIG_HASH]: hash, [CONFIG_SEEN]: now, [CONFIG_SOURCE]: 'file' },
    },
    spec: {
      restartPolicy: 'Always',
      dnsPolicy: 'ClusterFirst',
      terminationGracePeriodSeconds: 30,
      enableServiceLinks: true,
      securityContext: {},
      schedulerName: 'default-scheduler',
      ...spec,
      nodeName,
      containers: (spec?.containers ?? []).map(withDefaults),
      ...(spec?.initContainers ? { initContainers: spec.initContainers.map(withDefaults) } : {}),
      tolerations: [...(spec?.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }],
    },
    status: { phase: 'Pending' },
  };
}

/** What the API server would have filled in. */
function withDefaults(container: Container): Container {
  const { image = '' } = container;
  const latest = !image.includes('@') && (/:latest$/.test(image) || !/:[^/]*$/.test(image));
  return {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: latest ? 'Always' : 'IfNotPresent',
    ...container,
    resources: container.resources ?? {},
  };
}
