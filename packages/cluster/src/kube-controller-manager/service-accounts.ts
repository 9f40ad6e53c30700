/**
 * Access as service accounts of kube-system, so that each controller is allowed what its own role allows
 * (staging/src/k8s.io/controller-manager/pkg/clientbuilder, DynamicSimpleControllerClientBuilder).
 */
import { type Client, hasReason, type TokenSource } from '@keelson/client';

const NAMESPACE = 'kube-system';
const LIFETIME_SECONDS = 3600;
/** What is left of a token's life when a new one is asked for. */
const RENEW_BEFORE = 0.2;

export class ServiceAccountToken implements TokenSource {
  readonly #client: Client;
  readonly #account: string;
  #current: { readonly token: Promise<string>; renewAt: number } | undefined;

  /** @param client may make service accounts in kube-system and tokens for them */
  constructor(client: Client, account: string) {
    this.#client = client;
    this.#account = account;
  }

  /** @throws StatusError, ConnectionError when there is no token to be had */
  get(): Promise<string> {
    const now = this.#client.world.clock.now();
    if (this.#current && now < this.#current.renewAt) return this.#current.token;
    const asked = { token: this.#ask(), renewAt: now + LIFETIME_SECONDS * 1000 * (1 - RENEW_BEFORE) };
    this.#current = asked;
    asked.token.catch(() => {
      if (this.#current === asked) this.#current = undefined;
    });
    return asked.token;
  }

  distrust(): void {
    this.#current = undefined;
  }

  async #ask(): Promise<string> {
    try {
      return await this.#request();
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
      await this.#createAccount();
      return this.#request();
    }
  }

  async #request(): Promise<string> {
    const request = await this.#client
      .resource('serviceaccounts')
      .subresource('token')
      .create(
        { namespace: NAMESPACE, name: this.#account },
        {
          apiVersion: 'authentication.k8s.io/v1',
          kind: 'TokenRequest',
          spec: { audiences: [], expirationSeconds: LIFETIME_SECONDS },
        },
      );
    return (request as { status: { token: string } }).status.token;
  }

  async #createAccount(): Promise<void> {
    const metadata = { namespace: NAMESPACE, name: this.#account };
    try {
      await this.#client.resource('serviceaccounts').create({ metadata });
    } catch (error) {
      if (!hasReason(error, 'AlreadyExists')) throw error;
    }
  }
}
