/**
 * Components that serve requests of their own ask the API server who asks and whether they may, and remember the answers for
 * a while (k8s.io/apiserver/plugin/pkg/{authenticator/token,authorizer}/webhook).
 */
import { createHash } from 'node:crypto';
import type { TokenReview } from '@keelson/api/generated/types/authentication/v1';
import type { ResourceAttributes, SubjectAccessReview } from '@keelson/api/generated/types/authorization/v1';
import type { User } from '@keelson/component/serving/user';
import type { Client } from '../rest/client.ts';

const MAX_REMEMBERED = 4096;

const TOKEN_REVIEWS = { group: 'authentication.k8s.io', version: 'v1', resource: 'tokenreviews', namespaced: false };
const ACCESS_REVIEWS = {
  group: 'authorization.k8s.io',
  version: 'v1',
  resource: 'subjectaccessreviews',
  namespaced: false,
};

/** Answers by key, for as long as they hold. The ones that were asked for longest ago go first. */
class Memory<T> {
  readonly #answers = new Map<string, { readonly answer: Promise<T>; until: number }>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** @param holdsMs for how long an answer holds. A failure is not remembered. */
  async get(key: string, ask: () => Promise<T>, holdsMs: (answer: T) => number): Promise<T> {
    const known = this.#answers.get(key);
    if (known && this.#now() < known.until) return known.answer;
    const entry = { answer: ask(), until: Number.POSITIVE_INFINITY };
    this.#answers.delete(key);
    this.#answers.set(key, entry);
    if (this.#answers.size > MAX_REMEMBERED) this.#answers.delete(this.#answers.keys().next().value!);
    try {
      entry.until = this.#now() + holdsMs(await entry.answer);
    } catch (error) {
      this.#answers.delete(key);
      throw error;
    }
    return entry.answer;
  }
}

/** Whose a token is. */
export class TokenReviewer {
  readonly #client: Client;
  readonly #holdsMs: number;
  readonly #memory: Memory<User | undefined>;

  constructor(client: Client, holdsMs: number) {
    this.#client = client;
    this.#holdsMs = holdsMs;
    this.#memory = new Memory(() => client.world.clock.now());
  }

  /** @returns undefined for a token that is nobody's. @throws StatusError, ConnectionError when nobody could be asked */
  review(token: string): Promise<User | undefined> {
    const key = createHash('sha256').update(token).digest('base64');
    return this.#memory.get(
      key,
      () => this.#ask(token),
      () => this.#holdsMs,
    );
  }

  async #ask(token: string): Promise<User | undefined> {
    const { status } = await this.#client.resource<TokenReview>(TOKEN_REVIEWS).create({ spec: { token } });
    const { username, uid, groups, extra } = status?.user ?? {};
    if (!status?.authenticated || !username) return undefined;
    return { name: username, uid, groups: groups ?? [], extra };
  }
}

/** What somebody wants to do: with a resource, or a path that is none. */
export type Access = { readonly resource: ResourceAttributes } | { readonly path: string; readonly verb: string };

/** Whether somebody may. */
export class AccessReviewer {
  readonly #client: Client;
  readonly #holds: { readonly allowedMs: number; readonly deniedMs: number };
  readonly #memory: Memory<{ readonly allowed: boolean; readonly reason: string }>;

  constructor(client: Client, holds: { readonly allowedMs: number; readonly deniedMs: number }) {
    this.#client = client;
    this.#holds = holds;
    this.#memory = new Memory(() => client.world.clock.now());
  }

  /** @throws StatusError, ConnectionError when nobody could be asked */
  review(user: User, access: Access): Promise<{ readonly allowed: boolean; readonly reason: string }> {
    const key = JSON.stringify([user, access]);
    const holdsMs = ({ allowed }: { allowed: boolean }) => (allowed ? this.#holds.allowedMs : this.#holds.deniedMs);
    return this.#memory.get(key, () => this.#ask(user, access), holdsMs);
  }

  async #ask({ name, uid, groups, extra }: User, access: Access) {
    const what =
      'resource' in access
        ? { resourceAttributes: access.resource }
        : { nonResourceAttributes: { path: access.path, verb: access.verb } };
    const spec = {
      user: name,
      groups,
      ...(uid === undefined ? {} : { uid }),
      ...(extra === undefined ? {} : { extra }),
      ...what,
    };
    const { status } = await this.#client.resource<SubjectAccessReview>(ACCESS_REVIEWS).create({ spec });
    return { allowed: status?.allowed === true && !status.denied, reason: status?.reason ?? '' };
  }
}
