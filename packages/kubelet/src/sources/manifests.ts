/**
 * Static pods: manifests in a folder of the node (pkg/kubelet/config/file.go). A manifest that is broken leaves the pod
 * that it was before, where there was one, until it is right again or gone.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { formatTime } from '@keelson/api/time';
import type { World } from '@keelson/client';
import { namesIn, unless } from '@keelson/component/files';
import { fullName, uidOf } from '../pods/spec.ts';
import { type PodRules, staticPod } from './static-pod.ts';

export interface ManifestsOptions {
  /** A folder, or one manifest. */
  readonly path: string;
  readonly nodeName: string;
  readonly world: World;
  readonly rules?: PodRules | undefined;
  put(pod: Pod): void;
  remove(pod: Pod): void;
  /** A manifest is of no use. Is told once for each of its changes. */
  broken(file: string, problem: string): void;
}

/** What was made of a file when it was read last. */
interface Manifest {
  readonly text: string;
  /** As it was when it was right, and the text of then. */
  readonly pod: Pod | undefined;
  readonly podText: string;
  readonly problem: string | undefined;
}

/** Files that change without anybody telling are seen so often. */
const RESCAN_MS = 20_000;
/** A file that is being written is let be so long. */
const MAX_BYTES = 10 * 1024 * 1024;
const SETTLE_MS = 200;

export class Manifests {
  readonly #options: ManifestsOptions;
  #manifests = new Map<string, Manifest>();
  /** Problems by file, as they were told. */
  #told = new Map<string, string>();
  #pods = new Map<string, Pod>();
  /** How often names of files came or went since the last look. */
  #moves = new Map<string, number>();
  #cancel = () => {};
  #cancelSettling = () => {};
  #watcher: FSWatcher | undefined;
  #scanning: Promise<void> | undefined;
  #stopped = false;

  constructor(options: ManifestsOptions) {
    this.#options = options;
  }

  /** Resolves when all that is there is told. */
  async start(): Promise<void> {
    this.#watch();
    await this.scan();
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#cancelSettling();
    this.#watcher?.close();
  }

  /** What is there now is told when this resolves. */
  async scan(): Promise<void> {
    while (this.#scanning) await this.#scanning;
    this.#scanning = this.#scan().finally(() => {
      this.#scanning = undefined;
    });
    await this.#scanning;
  }

  async #scan(): Promise<void> {
    const { put, remove } = this.#options;
    const manifests = new Map<string, Manifest>();
    const found = new Map<string, Pod>();
    const names = new Map<string, string>();
    const moves = this.#moves;
    this.#moves = new Map();
    const told = new Map<string, string>();
    const files = await this.#files();
    if (!files) return;
    for (const file of files) {
      const manifest = await this.#read(file);
      if (!manifest) continue;
      const { pod } = manifest;
      const other = pod && names.get(fullName(pod));
      const problem = other ? `a pod of this name is in ${other} already` : manifest.problem;
      manifests.set(file, manifest);
      if (problem !== undefined) told.set(file, problem);
      if (problem !== undefined && problem !== this.#told.get(file)) this.#complain(file, problem);
      if (!pod || other) continue;
      names.set(fullName(pod), file);
      found.set(uidOf(pod), pod);
    }
    const before = this.#pods;
    this.#manifests = manifests;
    this.#told = told;
    this.#pods = found;
    // One that went and came again in the meantime begins anew.
    const isBack = (pod: Pod) => (moves.get(names.get(fullName(pod)) ?? '') ?? 0) > 1;
    for (const [uid, pod] of before) if (!found.has(uid) || isBack(pod)) remove(pod);
    for (const [uid, pod] of found) if (before.get(uid) !== pod || isBack(pod)) put(pod);
  }

  /** @returns undefined where it cannot be found out: what runs goes on running */
  async #files(): Promise<string[] | undefined> {
    const { path, world } = this.#options;
    try {
      const found = await stat(path).catch(unless('ENOENT'));
      if (found && !found.isDirectory()) return [path];
      const entries = (await namesIn(path)).filter((name) => !name.startsWith('.')).sort();
      return entries.map((name) => join(path, name));
    } catch (error) {
      world.log.error({ path, error }, 'Could not read the manifests of static pods');
      return undefined;
    }
  }

  /** @returns undefined for a file that is not there any more, and for what is none: a folder, a socket, a pipe that nobody writes to */
  async #read(file: string): Promise<Manifest | undefined> {
    const { nodeName, world, rules } = this.#options;
    const known = this.#manifests.get(file);
    const broken = (text: string, { message }: Error): Manifest => ({
      text,
      pod: known?.pod,
      podText: known?.podText ?? '',
      problem: message,
    });
    let bytes: Buffer;
    try {
      const found = await stat(file);
      if (!found.isFile()) return undefined;
      if (found.size > MAX_BYTES) return broken('', new Error('the read limit is reached'));
      bytes = await readFile(file);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? undefined : broken('', error as Error);
    }
    const text = bytes.toString('latin1');
    if (known?.text === text) return known;
    if (known?.pod && known.podText === text) return { ...known, text, problem: undefined };
    try {
      const now = formatTime(new Date(world.clock.now()));
      return { text, pod: staticPod(bytes, { file, nodeName, now, rules }), podText: text, problem: undefined };
    } catch (error) {
      return broken(text, error as Error);
    }
  }

  #complain(file: string, problem: string): void {
    this.#options.world.log.error({ path: file, err: problem }, 'Could not process manifest file');
    this.#options.broken(file, problem);
  }

  /** A folder that is not there yet is looked for. */
  #watch(): void {
    if (this.#watcher) return;
    try {
      const watcher = watch(this.#options.path, { persistent: false }, (event, name) => {
        if (event === 'rename' && name !== null) this.#moved(join(this.#options.path, name));
        this.#settle();
      });
      watcher.on('error', () => {
        watcher.close();
        this.#watcher = undefined;
      });
      this.#watcher = watcher;
    } catch {
      // There is nothing to watch yet, or no watch to be had: the next scan tries again.
    }
  }

  /** A file that is written anew under another name and then takes its place moves once, one that is removed and made again twice. */
  #moved(file: string): void {
    this.#moves.set(file, (this.#moves.get(file) ?? 0) + 1);
  }

  #settle(): void {
    this.#cancelSettling();
    if (this.#stopped) return;
    this.#cancelSettling = this.#options.world.clock.after(SETTLE_MS, () => void this.scan());
  }

  #schedule(): void {
    this.#cancel = this.#options.world.clock.after(
      RESCAN_MS,
      () => {
        this.#watch();
        void this.scan();
        this.#schedule();
      },
      { background: true },
    );
  }
}
