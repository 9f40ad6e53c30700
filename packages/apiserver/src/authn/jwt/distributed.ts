/** A claim that stands elsewhere: the token names where, and there is a token with it (OpenID Connect Core 1.0 §5.6.2). */
import { quote } from '@keelson/api/field';
import { LRUCache } from 'lru-cache';
import type { IssuerClient } from './issuer-client.ts';
import type { Provider } from './provider.ts';
import { type Claims, claimedIssuer } from './verifier.ts';

export interface DistributedClaimOptions {
  /** The one that may stand elsewhere. */
  readonly claim: string;
  readonly client: IssuerClient;
  /** One who vouches for tokens of an issuer. */
  readonly provider: (issuer: string) => Provider;
}

interface Endpoint {
  readonly endpoint?: string;
  readonly access_token?: string;
}

/** Issuers of such tokens, of which there should be one. */
const MAX_ISSUERS = 16;

export class DistributedClaim {
  readonly #options: DistributedClaimOptions;
  readonly #providers = new LRUCache<string, Provider>({ max: MAX_ISSUERS, dispose: (provider) => provider.close() });

  constructor(options: DistributedClaimOptions) {
    this.#options = options;
  }

  /** The claims with the one that stood elsewhere. @throws Error */
  async expand(claims: Claims): Promise<Claims> {
    const { claim } = this.#options;
    const { _claim_names: names, _claim_sources: sources } = claims;
    if (Object.hasOwn(claims, claim) || names === undefined) return claims;
    if (!isMap(names)) throw new Error('oidc: error parsing distributed claim names: they are no object');
    if (sources === undefined) throw new Error('oidc: no claim sources');
    if (!isMap(sources)) throw new Error('oidc: could not parse claim sources: they are no object');
    const source = names[claim];
    if (typeof source !== 'string') return claims;
    const found = sources[source];
    if (!isMap(found)) throw new Error(`id token _claim_names contained a source ${source} missing in _claims_sources`);
    const { endpoint, access_token: token } = found as Endpoint;
    if (!endpoint) return claims;
    return { ...claims, [claim]: await this.#resolve(String(endpoint), String(token ?? '')) };
  }

  close(): void {
    this.#providers.clear();
  }

  async #resolve(url: string, accessToken: string): Promise<unknown> {
    const { claim, client } = this.#options;
    const headers: Record<string, string> = accessToken === '' ? {} : { authorization: `Bearer ${accessToken}` };
    const failed = (error: Error) => new Error(`while getting distributed claim ${quote(claim)}: ${error.message}`);
    const { status, body } = await client.get(url, headers).catch((error: Error) => {
      throw failed(error);
    });
    if (status < 200 || status > 226) throw failed(new Error(`error while getting distributed claim JWT: ${status}`));
    const jwt = body.toString('utf8');
    const issuer = claimedIssuer(jwt);
    if (issuer === undefined)
      throw new Error(
        `getting untrusted issuer from endpoint ${url} failed for claim ${quote(claim)}: malformed token`,
      );
    const verifier = this.#provider(issuer).verifier;
    if (!verifier)
      throw new Error(
        `verifying untrusted issuer ${issuer} failed: verifier not initialized for issuer: ${quote(issuer)}`,
      );
    const claims = await verifier.verify(jwt).catch((error: Error) => {
      throw new Error(`verify distributed claim token: ${error.message}`);
    });
    if (!Object.hasOwn(claims, claim))
      throw new Error(`jwt returned by distributed claim endpoint ${quote(url)} did not contain claim: ${claim}`);
    return claims[claim];
  }

  #provider(issuer: string): Provider {
    let provider = this.#providers.get(issuer);
    if (!provider) {
      provider = this.#options.provider(issuer);
      this.#providers.set(issuer, provider);
    }
    return provider;
  }
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
