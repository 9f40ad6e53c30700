/**
 * Tokens that somebody else signs, behind a socket of this machine: nobody who can read this server's files can make tokens
 * (pkg/serviceaccount/externaljwt/plugin).
 */
import type { Clock } from '@keelson/api/clock';
import { RpcClient } from '@keelson/component/grpc/client';
import { payloadOf } from '@keelson/component/jwt/sign';
import type { Logger } from '@keelson/component/logs/logger';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { TokenKeys } from '../token-keys.ts';
import { MIN_SECONDS } from '../tokenrequest.ts';
import { ExternalSignerError } from './error.ts';
import { keyIdOf } from './header.ts';
import { KeyCache, wrapped } from './key-cache.ts';
import { externalSigner, type SignerMethods, type SignResponse } from './messages.ts';
import { SignerMetrics } from './metrics.ts';

export interface ExternalSignerWorld {
  readonly registry: MetricsRegistry;
  readonly clock: Clock;
  /** Milliseconds of a clock that never goes backwards. */
  readonly monotonic: () => number;
  readonly logger: Logger;
}

/** How long the signer may take, which is waited for at the start. */
const CALL_MS = 60_000;
const METADATA_MS = 10_000;

/**
 * Connects, and fetches the keys.
 * @param endpoint path of the signer's socket; `@NAME` is an abstract one
 * @throws ExternalSignerError
 */
export async function startExternalSigner(
  endpoint: string,
  { registry, monotonic, clock, logger }: ExternalSignerWorld,
): Promise<TokenKeys> {
  const metrics = new SignerMetrics(registry, monotonic);
  const client = new RpcClient(`unix:${endpoint.replace(/^@/, '\0')}`, { waitForReady: true });
  const call = <Name extends keyof SignerMethods>(name: Name, request: SignerMethods[Name][0], timeoutMs = CALL_MS) =>
    metrics.call(externalSigner.method(name).path, () => client.call(externalSigner, name, request, { timeoutMs }));
  const cache = new KeyCache({ fetch: () => call('FetchKeys', {}), metrics, clock, logger });
  const close = () => {
    cache.close();
    client.close();
  };

  const sign = async (claims: object): Promise<string> => {
    const payload = Buffer.from(payloadOf(claims)).toString('base64url');
    const response = await call('Sign', { claims: payload }).catch((error: unknown) => {
      throw wrapped('while signing jwt', error);
    });
    await check(response, cache);
    return `${response.header}.${payload}.${response.signature}`;
  };

  try {
    const maxTokenSeconds = await start(cache, () => call('Metadata', {}, METADATA_MS));
    return {
      maxTokenSeconds,
      find: (id) => cache.find(id),
      published: () => cache.all.filter(({ isHidden }) => !isHidden),
      maxAgeSeconds: () => cache.maxAgeSeconds(),
      onChange: (listener) => cache.onChange(listener),
      sign: async (claims) => {
        try {
          const token = await sign(claims);
          metrics.signed();
          return token;
        } catch (error) {
          metrics.signingFailed(error);
          throw error;
        }
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** @returns how long tokens may live. @throws ExternalSignerError */
async function start(cache: KeyCache, metadata: () => Promise<SignerMethods['Metadata'][1]>): Promise<number> {
  const failed = (error: unknown) =>
    new ExternalSignerError(wrapped('while setting up external-jwt-signer', error).message);
  await cache.start().catch((error: unknown) => {
    throw failed(wrapped('while initially filling key cache', error));
  });
  const { maxTokenExpirationSeconds: max } = await metadata().catch((error: unknown) => {
    throw failed(error);
  });
  if (max < MIN_SECONDS)
    throw new ExternalSignerError(
      `max token life supported by external-jwt-signer (${max}s) is less than acceptable (min ${MIN_SECONDS}s)`,
    );
  return max;
}

/** @throws Error for what is no token that others could verify */
async function check({ header, signature }: SignResponse, cache: KeyCache): Promise<void> {
  try {
    const id = keyIdOf(header);
    if ((await cache.find(id)).some(({ isHidden }) => isHidden))
      throw new Error(`key used for signing JWT (kid: ${id}) is excluded from OIDC discovery docs`);
  } catch (error) {
    throw wrapped('while validating header', error);
  }
  if (signature === '') throw new Error('empty signature returned');
}
