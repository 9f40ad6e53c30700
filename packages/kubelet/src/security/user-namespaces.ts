/**
 * User namespaces of pods that do not want the host's (`hostUsers: false`): each has a range of the node's users of its own,
 * which no other pod has and which is written down before it is used (pkg/kubelet/userns).
 */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { uidOf } from '../pods/spec.ts';
import type { IdMapping } from '../runtime/linux.ts';
import type { RuntimeHandler } from '../runtime/runtime.ts';
import type { Namespaces } from '../runtime/sandbox.ts';
import { replaceStateFile } from '../state-file.ts';

type UserNamespace = NonNullable<Namespaces['user']>;

/** Ranges are as long as this, or a multiple. Those of the first one are the host's. */
const UNIT = 65_536;
const ALL_IDS = 2 ** 32;
/** In the pod's folder; upstream's kubelet reads and writes the same. */
const FILE = 'userns';

export interface UserNamespacesOptions {
  readonly podDirectory: (uid: string) => string;
  readonly handlers: () => readonly RuntimeHandler[];
  /** How many users a pod has. Default: 65,536. */
  readonly idsPerPod?: number | undefined;
}

export class UserNamespaces {
  readonly #options: UserNamespacesOptions;
  readonly #length: number;
  /** By the first id of the host. */
  readonly #owners = new Map<number, string>();
  #last = 0;

  constructor(options: UserNamespacesOptions) {
    this.#options = options;
    this.#length = options.idsPerPod ?? UNIT;
  }

  /** Takes over the ranges of pods that are here. @throws Error for a file that makes no sense */
  async restore(podUids: readonly string[]): Promise<void> {
    for (const uid of podUids) await this.#read(uid);
  }

  /**
   * @param handler of the runtime that runs the pod; empty for the default
   * @returns undefined for a pod in the host's @throws Error where the pod cannot have its own
   */
  async of(pod: Pod, handler: string): Promise<UserNamespace | undefined> {
    if (pod.spec?.hostUsers !== false) return undefined;
    this.#checkSupported(handler);
    const uid = uidOf(pod);
    return (await this.#read(uid)) ?? (await this.#allocate(uid));
  }

  /** When what the pod had on the node is gone. */
  release(uid: string): void {
    for (const [hostId, owner] of this.#owners) if (owner === uid) this.#owners.delete(hostId);
  }

  #checkSupported(handler: string): void {
    const known = this.#options.handlers();
    const found = known.find(({ name }) => name === handler);
    if (found?.userNamespaces) return;
    const who = handler === '' ? 'runtime' : `RuntimeClass handler ${JSON.stringify(handler)}`;
    const why = found || known.length === 0 ? '' : `: the handler ${JSON.stringify(handler)} is not known`;
    throw new Error(`can't set \`spec.hostUsers: false\`, ${who} does not support user namespaces${why}`);
  }

  async #allocate(uid: string): Promise<UserNamespace> {
    const count = Math.floor(ALL_IDS / this.#length) - 1;
    for (let tried = 0; tried < count; tried++) {
      this.#last = (this.#last % count) + 1;
      const hostId = this.#last * this.#length;
      if (this.#owners.has(hostId)) continue;
      this.#owners.set(hostId, uid);
      const range: IdMapping[] = [{ hostId, containerId: 0, length: this.#length }];
      try {
        await this.#write(uid, range);
      } catch (error) {
        this.#owners.delete(hostId);
        throw new Error(`create user namespace: ${(error as Error).message}`, { cause: error });
      }
      return { uids: range, gids: range };
    }
    throw new Error('create user namespace: could not find an empty slot to allocate a user namespace');
  }

  async #read(uid: string): Promise<UserNamespace | undefined> {
    const text = await readFile(join(this.#options.podDirectory(uid), FILE), 'utf8').catch((error) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    const range = parse(text, this.#length);
    const owner = this.#owners.get(range.hostId);
    if (owner !== undefined && owner !== uid)
      throw new Error(`user namespace: range picked for pod "${uid}" already taken`);
    this.#owners.set(range.hostId, uid);
    return { uids: [range], gids: [range] };
  }

  /** On disk before anything runs with it: a range that two pods have would let one into the other. */
  async #write(uid: string, range: readonly IdMapping[]): Promise<void> {
    const directory = this.#options.podDirectory(uid);
    await mkdir(directory, { recursive: true, mode: 0o750 });
    await replaceStateFile(join(directory, FILE), JSON.stringify({ uidMappings: range, gidMappings: range }));
  }
}

function parse(text: string, length: number): IdMapping {
  const invalid = (why: string) => new Error(`user namespace: invalid user namespace configuration: ${why}`);
  let mappings: { readonly uidMappings?: readonly IdMapping[]; readonly gidMappings?: readonly IdMapping[] };
  try {
    mappings = JSON.parse(text);
  } catch (error) {
    throw new Error(`user namespace: invalid user namespace mappings file: ${(error as Error).message}`);
  }
  const [uids = [], gids = []] = [mappings.uidMappings, mappings.gidMappings];
  if (uids.length !== 1 || gids.length !== 1) throw invalid('no more than one mapping allowed.');
  const [user, group] = [uids[0]!, gids[0]!];
  if (user.hostId !== group.hostId || user.containerId !== group.containerId || user.length !== group.length)
    throw invalid('GID and UID mappings should be identical.');
  if (user.containerId !== 0) throw invalid('UID 0 must be mapped');
  if (user.length !== length) throw new Error(`user namespace: wrong user namespace length ${user.length}`);
  if (user.hostId % length !== 0 || user.hostId < length)
    throw new Error(`user namespace: wrong user namespace offset specified ${user.hostId}`);
  return user;
}
