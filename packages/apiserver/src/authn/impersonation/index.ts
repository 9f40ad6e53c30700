/**
 * The filter's logic (k8s.io/apiserver/pkg/endpoints/filters/impersonation): every mode is tried until one permits, the
 * one that last did so for this user first; of several refusals the first is told.
 */
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Attributes, Authorize } from '../../authz/attributes.ts';
import type { UserInfo } from '../../registry/strategy.ts';
import { checkRequest, checkUser, type Impersonated, MODES, type Mode } from './modes.ts';

export { wantedUser } from './headers.ts';
export type { Impersonated } from './modes.ts';

/** For how long a permission is remembered in the constrained modes. */
const REMEMBERED_MS = 10_000;
const REMEMBERED_PERMISSIONS = 10_000;
const REMEMBERED_USERS = 10_000;

export interface ImpersonationOptions {
  /** Milliseconds; only differences count. */
  readonly now: () => number;
  /** There are modes beside `impersonate`, each with verbs of its own. */
  readonly isConstrained: boolean;
}

export class Impersonation {
  readonly #authorize: Authorize;
  readonly #modes: readonly Mode[];
  readonly #lastMode = new LRUCache<string, Mode>({ max: REMEMBERED_USERS });
  readonly #permitted: LRUCache<string, Impersonated>;

  constructor(authorize: Authorize, { now, isConstrained }: ImpersonationOptions) {
    this.#authorize = authorize;
    this.#modes = isConstrained ? MODES : MODES.filter(({ name }) => name === 'legacy');
    this.#permitted = new LRUCache({
      max: REMEMBERED_PERMISSIONS,
      ttl: REMEMBERED_MS,
      ttlResolution: 0,
      perf: { now },
    });
  }

  /**
   * @param attributes of the request, with the user who authenticated
   * @returns the user to go on as
   * @throws StatusError 403
   */
  async impersonate(wanted: UserInfo, attributes: Attributes): Promise<Impersonated> {
    const requestor = attributes.user.name;
    const last = this.#lastMode.get(requestor);
    const modes = last ? [last, ...this.#modes.filter((m) => m !== last)] : this.#modes;
    let refusal: unknown;
    for (const mode of modes) {
      if (!mode.applies(wanted, attributes.user)) continue;
      try {
        const impersonated = await this.#attempt(mode, wanted, attributes);
        this.#lastMode.set(requestor, mode);
        return impersonated;
      } catch (error) {
        refusal ??= error;
      }
    }
    throw refusal;
  }

  async #attempt(mode: Mode, wanted: UserInfo, attributes: Attributes): Promise<Impersonated> {
    if (mode.name === 'legacy') return checkUser(mode, this.#authorize, wanted, attributes.user);
    const seen = mode.asSeen(attributes);
    // Which node it is does not count where it is the requestor's own.
    const whom = mode.name === 'associated-node' ? { ...wanted, name: 'system:node:*' } : wanted;
    const named = ({ user }: Impersonated): UserInfo => ({ ...user, name: wanted.name });
    const whole = digest([mode.name, whom, seen]);
    const userOnly = digest([mode.name, whom, seen.user]);

    const known = this.#permitted.get(whole);
    if (known) return { ...known, user: named(known) };
    await checkRequest(mode, this.#authorize, attributes);
    const impersonated =
      this.#permitted.get(userOnly) ?? (await checkUser(mode, this.#authorize, wanted, attributes.user));
    this.#permitted.set(userOnly, impersonated);
    this.#permitted.set(whole, impersonated);
    return { ...impersonated, user: named(impersonated) };
  }
}

/** Of one size, however much a client puts into its headers. */
function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64');
}
