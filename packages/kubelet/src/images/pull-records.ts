/**
 * By whose credentials images came to this node: a pod that has none of them does not get what another pod's secret has
 * opened (pkg/kubelet/images/pullmanager). Files and fields are upstream's, so that either kubelet goes on with the other's.
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@keelson/api/clock';
import { formatTime } from '@keelson/api/time';
import { namesIn } from '@keelson/component/files';
import type { Image } from '../runtime/images.ts';
import { replaceStateFile } from '../state-file.ts';
import type { PullAccount } from './accounts.ts';
import type { PullSecret, PullSource } from './credentials.ts';
import { parseReference } from './reference.ts';

export type VerificationPolicy =
  | 'NeverVerify'
  | 'NeverVerifyPreloadedImages'
  | 'NeverVerifyAllowlistedImages'
  | 'AlwaysVerify';

export interface PullRecordsOptions {
  /** `image_manager` below the kubelet's root. */
  readonly directory: string;
  readonly clock: Clock;
  readonly policy: VerificationPolicy;
  /** Repositories, or what they begin with and `/*`. */
  readonly allowlist: readonly string[];
}

interface Access {
  readonly kubernetesSecrets?: readonly PullSecret[];
  readonly kubernetesServiceAccounts?: readonly PullAccount[];
  /** No credentials were needed, or those of the node. */
  readonly nodePodsAccessible?: boolean;
}

interface PulledRecord {
  readonly kind: 'ImagePulledRecord';
  readonly apiVersion: string;
  readonly lastUpdatedTime: string;
  readonly imageRef: string;
  /** By repository. */
  readonly credentialMapping?: Readonly<Record<string, Access>>;
}

const VERSION = 'kubelet.config.k8s.io/v1beta1';
/** So many secrets of one image are learned by comparing; more are by pulling. */
const MOST_LEARNED = 100;

export class PullRecords {
  readonly #options: PullRecordsOptions;
  readonly #pulling: string;
  readonly #pulled: string;
  /** Pulls of an image that are under way. */
  readonly #underWay = new Map<string, number>();

  constructor(options: PullRecordsOptions) {
    this.#options = options;
    this.#pulling = join(options.directory, 'pulling');
    this.#pulled = join(options.directory, 'pulled');
  }

  /**
   * Pulls that were under way when the kubelet ended may have succeeded: by whom is unknown.
   * @param images those that are here, asked for where there were such pulls
   */
  async restore(images: () => Promise<readonly Image[]>): Promise<void> {
    for (const directory of [this.#pulling, this.#pulled]) await mkdir(directory, { recursive: true, mode: 0o700 });
    const files = await readdir(this.#pulling);
    if (files.length === 0) return;
    const present = await images();
    for (const file of files) {
      const intent = await readJson<{ readonly image: string }>(join(this.#pulling, file));
      if (intent === undefined || intent === 'broken') continue;
      const { repository, tag, digest } = parseReference(intent.image);
      const names = [`${repository}:${tag ?? 'latest'}`, `${repository}@${digest}`];
      const found = present.find(({ tags, digests }) => [...tags, ...digests].some((each) => names.includes(each)));
      if (!found) continue;
      await this.#record(intent.image, found.id, undefined);
      await rm(join(this.#pulling, file), { force: true });
    }
  }

  /** Before an image is pulled. @throws the error of writing: without the record nobody could tell later */
  async begin(image: string): Promise<void> {
    const intent = { kind: 'ImagePullIntent', apiVersion: VERSION, image };
    await write(this.#pulling, fileOf(image), intent);
    this.#underWay.set(image, (this.#underWay.get(image) ?? 0) + 1);
  }

  /** @param source of the credentials with which it was pulled; undefined: without any */
  async succeeded(image: string, ref: string, source: PullSource | undefined): Promise<void> {
    await this.#record(image, ref, accessBy(source ?? {}));
    await this.failed(image);
  }

  async failed(image: string): Promise<void> {
    const others = (this.#underWay.get(image) ?? 1) - 1;
    if (others > 0) this.#underWay.set(image, others);
    else {
      this.#underWay.delete(image);
      await rm(join(this.#pulling, fileOf(image)), { force: true });
    }
  }

  /**
   * Whether a pod may use an image that is here.
   * @param sources of what the pod has to open it, asked for where it matters
   */
  async allows(image: string, ref: string, sources: () => Promise<readonly PullSource[]>): Promise<boolean> {
    const record = await readJson<PulledRecord>(join(this.#pulled, fileOf(ref)));
    const byKubelet = record !== undefined || (await this.#isBeingPulled(image));
    if (!this.#mustVerify(image, byKubelet)) return true;
    const access =
      record && record !== 'broken' ? record.credentialMapping?.[parseReference(image).repository] : undefined;
    if (!access) return false;
    if (access.nodePodsAccessible) return true;
    const { kubernetesSecrets: known = [], kubernetesServiceAccounts: accounts = [] } = access;
    if (known.length === 0 && accounts.length === 0) return false;
    const all = await sources();
    for (const secret of all.flatMap((source) => source.secret ?? [])) {
      const same = known.find((each) => isSame(each, secret));
      const opens = known.some(
        ({ credentialHash }) => credentialHash !== '' && credentialHash === secret.credentialHash,
      );
      if (!same && !opens) continue;
      const isNew = !same || same.credentialHash !== secret.credentialHash;
      if (isNew && known.length < MOST_LEARNED) await this.#record(image, ref, { kubernetesSecrets: [secret] });
      return true;
    }
    const own = all.find(({ serviceAccount }) => serviceAccount)?.serviceAccount;
    return own !== undefined && accounts.some((each) => isSame(each, own));
  }

  /** Forgets images that are gone. @param before milliseconds since the epoch: when it was looked what is there */
  async prune(present: readonly string[], before: number): Promise<void> {
    const kept = new Set(present.map(fileOf));
    for (const file of await namesIn(this.#pulled)) {
      if (kept.has(file)) continue;
      const record = await readJson<PulledRecord>(join(this.#pulled, file));
      if (record && record !== 'broken' && Date.parse(record.lastUpdatedTime) >= before) continue;
      await rm(join(this.#pulled, file), { force: true });
    }
  }

  #mustVerify(image: string, byKubelet: boolean): boolean {
    const { policy, allowlist } = this.#options;
    if (policy === 'NeverVerify') return false;
    if (policy === 'NeverVerifyPreloadedImages') return byKubelet;
    if (policy === 'AlwaysVerify') return true;
    const { repository } = parseReference(image);
    return !allowlist.some((each) =>
      each.endsWith('/*') ? repository.startsWith(each.slice(0, -1)) : repository === each,
    );
  }

  async #isBeingPulled(image: string): Promise<boolean> {
    return this.#underWay.has(image) || (await readJson(join(this.#pulling, fileOf(image)))) !== undefined;
  }

  async #record(image: string, ref: string, access: Access | undefined): Promise<void> {
    const file = fileOf(ref);
    const found = await readJson<PulledRecord>(join(this.#pulled, file));
    const record = found === 'broken' ? undefined : found;
    const { repository } = parseReference(image);
    const known = record?.credentialMapping?.[repository];
    const merged = access && mergedAccess(known, access);
    if (record && merged === known) return;
    const credentialMapping = { ...record?.credentialMapping, ...(merged ? { [repository]: merged } : {}) };
    await write(this.#pulled, file, {
      kind: 'ImagePulledRecord',
      apiVersion: VERSION,
      lastUpdatedTime: formatTime(new Date(this.#options.clock.now())),
      imageRef: ref,
      credentialMapping,
    } satisfies PulledRecord);
  }
}

function accessBy({ secret, serviceAccount }: PullSource): Access {
  if (secret) return { kubernetesSecrets: [secret] };
  return serviceAccount ? { kubernetesServiceAccounts: [serviceAccount] } : { nodePodsAccessible: true };
}

/** @returns what was known where nothing is new */
function mergedAccess(known: Access | undefined, more: Access): Access {
  if (!known) return more;
  if (known.nodePodsAccessible) return known;
  if (more.nodePodsAccessible) return { nodePodsAccessible: true };
  if (more.kubernetesServiceAccounts) return withAccounts(known, more.kubernetesServiceAccounts);
  const added = more.kubernetesSecrets ?? [];
  const before = known.kubernetesSecrets ?? [];
  const isKnown = (secret: PullSecret) =>
    before.some((each) => isSame(each, secret) && each.credentialHash === secret.credentialHash);
  if (added.every(isKnown)) return known;
  const kept = before.filter((each) => !added.some((secret) => isSame(each, secret)));
  return { ...known, kubernetesSecrets: [...kept, ...added] };
}

function withAccounts(known: Access, more: readonly PullAccount[]): Access {
  const before = known.kubernetesServiceAccounts ?? [];
  const added = more.filter((account) => !before.some((each) => isSame(each, account)));
  return added.length === 0 ? known : { ...known, kubernetesServiceAccounts: [...before, ...added].sort(byPlace) };
}

function byPlace(a: PullAccount, b: PullAccount): number {
  const [first, second] = [a, b].map(({ namespace, name, uid }) => [namespace, name, uid].join('/'));
  return first! < second! ? -1 : 1;
}

function isSame(a: PullAccount, b: PullAccount): boolean {
  return a.uid === b.uid && a.namespace === b.namespace && a.name === b.name;
}

function fileOf(name: string): string {
  return `sha256-${createHash('sha256').update(name).digest('hex')}`;
}

/** @returns undefined where there is none */
async function readJson<T extends object>(path: string): Promise<T | 'broken' | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : 'broken';
  }
}

function write(directory: string, name: string, content: object): Promise<void> {
  return replaceStateFile(join(directory, name), JSON.stringify(content));
}
