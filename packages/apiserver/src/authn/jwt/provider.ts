/** An issuer, known as soon as its discovery document could be read (OpenID Connect Discovery 1.0 §4). */
import type { Clock } from '@keelson/api/clock';
import { quote } from '@keelson/api/field';
import type { Logger } from '@keelson/component/logs/logger';
import { asError } from '../../aggregate.ts';
import type { IssuerClient } from './issuer-client.ts';
import { RemoteKeys } from './keys.ts';
import { Verifier, type VerifierOptions } from './verifier.ts';

export interface ProviderOptions extends VerifierOptions {
  readonly client: IssuerClient;
  /** Instead of the document below the issuer's URL; empty: there. */
  readonly discoveryUrl: string;
  readonly onKeysFetched: (text: string | undefined) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RETRY_MS = 10_000;
const WELL_KNOWN = '/.well-known/openid-configuration';

export class Provider {
  readonly #options: ProviderOptions;
  #verifier: Verifier | undefined;
  #error: Error;
  #cancel: (() => void) | undefined;
  #closed = false;

  readonly #found = Promise.withResolvers<void>();

  /** Begins to look for the document at once, and looks again each ten seconds. */
  constructor(options: ProviderOptions) {
    this.#options = options;
    this.#error = new Error(`oidc: authenticator for issuer ${quote(options.issuer)} is not initialized`);
    void this.#discover();
  }

  /** Undefined: nothing is known of the issuer yet. */
  get verifier(): Verifier | undefined {
    return this.#verifier;
  }

  /** Resolves when the issuer is known. */
  get ready(): Promise<void> {
    return this.#found.promise;
  }

  /** Why nothing is known. */
  get error(): Error | undefined {
    return this.#verifier ? undefined : this.#error;
  }

  close(): void {
    this.#closed = true;
    this.#cancel?.();
  }

  async #discover(): Promise<void> {
    const { clock, logger, issuer } = this.#options;
    try {
      const jwksUri = await this.#jwksUri();
      const { client, now, onKeysFetched } = this.#options;
      const onFetched = (text: string | undefined) => {
        if (!this.#closed) onKeysFetched(text);
      };
      this.#verifier = new Verifier(new RemoteKeys({ get: () => client.get(jwksUri), now, onFetched }), this.#options);
      this.#found.resolve();
    } catch (error) {
      if (this.#closed) return;
      this.#error = asError(error);
      logger.error({ issuer, error: this.#error.message }, 'oidc authenticator: the issuer was not found');
      this.#cancel = clock.after(RETRY_MS, () => void this.#discover(), { background: true });
    }
  }

  async #jwksUri(): Promise<string> {
    const { client, issuer, discoveryUrl } = this.#options;
    const { status, body } = await client.get(discoveryUrl || `${issuer.replace(/\/$/, '')}${WELL_KNOWN}`);
    if (status !== 200) throw new Error(`${status}: ${body.toString('utf8', 0, 1024)}`);
    let document: { issuer?: unknown; jwks_uri?: unknown };
    try {
      document = JSON.parse(body.toString('utf8')) as typeof document;
    } catch (error) {
      throw new Error(`oidc: failed to decode provider discovery object: ${(error as Error).message}`);
    }
    if (document?.issuer !== issuer) {
      const found = quote(String(document?.issuer ?? ''));
      throw new Error(
        `oidc: issuer did not match the issuer returned by provider, expected ${quote(issuer)} got ${found}`,
      );
    }
    if (typeof document.jwks_uri !== 'string' || document.jwks_uri === '')
      throw new Error('provider did not return JWKS URL');
    return document.jwks_uri;
  }
}
