/** Tokens of service accounts, bound to pods and renewed in time (pkg/kubelet/token/token_manager.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { Client } from '@keelson/client';

interface Token {
  readonly token: string;
  readonly expirationTimestamp: string;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Renewed when four fifths of its life are over, and after a day at the latest; a little before, by chance. */
const LIFE = 0.8;
const MAX_AGE_MS = 24 * 3600 * 1000;
const JITTER_MS = 10_000;

export class PodTokens {
  readonly #client: Client;
  readonly #tokens = new Map<string, Token>();

  constructor(client: Client) {
    this.#client = client;
  }

  async get(pod: Pod, audience: string, seconds: number): Promise<string> {
    return (await this.issue(pod, audience, seconds)).token;
  }

  /**
   * The same, with the time at which it ends. @param seconds as long as the API server likes, where it is not given
   * @param accountUid of the account, if no other of that name will do
   */
  async issue(
    pod: Pod,
    audience: string,
    seconds: number | undefined,
    accountUid = '',
  ): Promise<Pick<Token, 'token' | 'expirationTimestamp'>> {
    const key = `${pod.metadata.uid}/${audience}/${seconds}/${accountUid}`;
    const known = this.#tokens.get(key);
    const { clock, random, log } = this.#client.world;
    const now = clock.now();
    if (known && now < renewAt(known) - JITTER_MS * random()) return known;
    try {
      const token = await this.#request(pod, audience, { seconds, accountUid }, now);
      this.#tokens.set(key, token);
      return token;
    } catch (error) {
      if (!known || known.expiresAt <= now) throw error;
      log.warn({ pod: pod.metadata.name, error }, 'Could not renew a token, the old one is still good');
      return known;
    }
  }

  forget(podUid: string): void {
    for (const key of this.#tokens.keys()) if (key.startsWith(`${podUid}/`)) this.#tokens.delete(key);
  }

  async #request(
    { metadata, spec }: Pod,
    audience: string,
    { seconds, accountUid }: { seconds: number | undefined; accountUid: string },
    issuedAt: number,
  ): Promise<Token> {
    const { namespace = '', name = '', uid = '' } = metadata;
    const accounts = this.#client.resource('serviceaccounts');
    const boundObjectRef = { apiVersion: 'v1', kind: 'Pod', name, uid };
    const request = await accounts.subresource('token').create(
      { namespace, name: spec?.serviceAccountName ?? 'default' },
      {
        ...(accountUid === '' ? {} : { metadata: { uid: accountUid } }),
        spec: {
          audiences: audience === '' ? [] : [audience],
          ...(seconds === undefined ? {} : { expirationSeconds: seconds }),
          boundObjectRef,
        },
      },
    );
    const { token, expirationTimestamp } = request.status!;
    const text = expirationTimestamp ?? '';
    return { token, expirationTimestamp: text, issuedAt, expiresAt: Date.parse(text) };
  }
}

function renewAt({ issuedAt, expiresAt }: Token): number {
  return issuedAt + Math.min(MAX_AGE_MS, LIFE * (expiresAt - issuedAt));
}
