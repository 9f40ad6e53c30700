/**
 * The addresses of pods as the container runtime notes them when it has joined one to its network, before the pod's containers start
 * (libcni's cache of results, `cniCacheV1`). The kubelet tells the API server of them a second or more later.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { World } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import { familyOf } from '@keelson/proxy/addresses';
import { NETWORK } from './cni.ts';

export interface Sandbox {
  /** NAMESPACE/NAME */
  readonly pod: string;
  /** As the kubelet knows the pod; older runtimes do not say it. */
  readonly uid: string | undefined;
  readonly addresses: readonly string[];
}

export interface Sandboxes extends Running {
  /** Of the pod's latest sandbox; none: nothing is known of it. @param uids those that it is known by */
  addressesOf(pod: string, uids: readonly string[]): readonly string[];
}

export interface SandboxesOptions {
  /** libcni's: the results are in its folder `results`. */
  readonly cacheFolder: string;
  readonly world: World;
  /** Is told of the pods whose addresses may be others now. */
  readonly changed: (pod: string) => void;
}

interface Noted extends Sandbox {
  readonly at: number;
}

/** Should a change not be told. */
const LOOK_MS = 60_000;
/** The runtime makes the folder with its first pod. */
const WAIT_MS = 1_000;
const PREFIX = `${NETWORK}-`;

/** @returns undefined for what is of no pod, or is not written yet */
export function sandboxOf(record: string): Sandbox | undefined {
  let decoded: unknown;
  try {
    decoded = JSON.parse(record);
  } catch {
    return undefined;
  }
  const { cniArgs, result } = (decoded ?? {}) as { cniArgs?: unknown; result?: { ips?: unknown } };
  if (!Array.isArray(cniArgs) || !Array.isArray(result?.ips)) return undefined;
  const args = new Map(cniArgs.filter((pair) => Array.isArray(pair)) as [string, string][]);
  const [namespace, name] = [args.get('K8S_POD_NAMESPACE'), args.get('K8S_POD_NAME')];
  if (!namespace || !name) return undefined;
  const addresses = (result.ips as { address?: unknown }[])
    .map(({ address }) => String(address).split('/')[0]!)
    .filter((address) => familyOf(address) !== undefined);
  return { pod: `${namespace}/${name}`, uid: args.get('K8S_POD_UID') || undefined, addresses };
}

/** Follows the folder until it is stopped. */
export function followSandboxes({ cacheFolder, world: { clock, log }, changed }: SandboxesOptions): Sandboxes {
  const folder = join(cacheFolder, 'results');
  const noted = new Map<string, Noted>();
  let watcher: FSWatcher | undefined;
  let looking: Promise<void> = Promise.resolve();
  let cancel = () => {};
  let isStopped = false;

  const note = (file: string, sandbox: Noted | undefined) => {
    const before = noted.get(file);
    if (sandbox) noted.set(file, sandbox);
    else noted.delete(file);
    for (const pod of new Set([before?.pod, sandbox?.pod])) if (pod !== undefined) changed(pod);
  };
  const read = async (file: string) => {
    const path = join(folder, file);
    const [text, at] = await Promise.all([readFile(path, 'utf8'), stat(path)]).then(
      ([content, { mtimeMs }]) => [content, mtimeMs] as const,
      () => ['', 0] as const,
    );
    const sandbox = sandboxOf(text);
    if (noted.get(file)?.at !== at || sandbox === undefined) note(file, sandbox && { ...sandbox, at });
  };
  /** One at a time, so that what is read last is what was written last. */
  const look = (files: () => readonly string[] | Promise<readonly string[]>) => {
    looking = looking.then(async () => {
      for (const file of await files()) if (file.startsWith(PREFIX)) await read(file);
    });
  };
  const lookAtAll = () => {
    if (watcher === undefined) {
      try {
        watcher = watch(folder, { persistent: false }, (_, file) => file && look(() => [file]));
        watcher.on('error', () => {
          watcher?.close();
          watcher = undefined;
        });
      } catch (error) {
        log.debug({ folder, err: (error as Error).message }, 'The runtime has noted no addresses yet');
      }
    }
    look(async () => [...new Set([...(await readdir(folder).catch(() => [])), ...noted.keys()])]);
    cancel = clock.after(watcher ? LOOK_MS : WAIT_MS, lookAtAll, { background: true });
  };
  lookAtAll();
  const { promise: done, resolve } = Promise.withResolvers<void>();
  return {
    done,
    addressesOf: (pod, uids) => {
      const own = [...noted.values()].filter(
        (each) => each.pod === pod && (each.uid === undefined || uids.includes(each.uid)),
      );
      return own.reduce<Noted | undefined>((a, b) => (a && a.at >= b.at ? a : b), undefined)?.addresses ?? [];
    },
    stop: async () => {
      if (isStopped) return;
      isStopped = true;
      cancel();
      watcher?.close();
      await looking;
      resolve();
    },
  };
}
