import { formatDuration } from '@keelson/component/go/duration';
import type { ServiceAccountConfig } from '../../config.ts';
import { ExternalSignerError } from './external/error.ts';
import type { ExternalSignerWorld } from './external/index.ts';
import { fileKeys, maxTokenSecondsOf, type TokenKeys } from './token-keys.ts';
import { EXTENDED_SECONDS, WATCHED_SECONDS } from './tokenrequest.ts';

/** The code of signers outside is loaded where there is one. @throws ExternalSignerError, Error for keys that are of no use */
export async function startTokenKeys(config: ServiceAccountConfig, world: ExternalSignerWorld): Promise<TokenKeys> {
  const keys = await openKeys(config, world);
  const { maxExpirationSeconds: configured = 0, extendExpiration = true } = config;
  if (configured > keys.maxTokenSeconds) {
    keys.close();
    throw new ExternalSignerError(
      `service-account-max-token-expiration cannot be set longer than the token expiration supported by service-account-signing-endpoint: ${text(configured)} > ${text(keys.maxTokenSeconds)}`,
    );
  }
  if (extendExpiration) for (const warning of warningsOf(config, keys)) world.logger.warn({}, warning);
  return keys;
}

async function openKeys({ keys }: ServiceAccountConfig, world: ExternalSignerWorld): Promise<TokenKeys> {
  if ('signing' in keys) return fileKeys(keys.signing, keys.verification);
  const { startExternalSigner } = await import('./external/index.ts');
  return startExternalSigner(keys.endpoint, world);
}

/** What is amiss with a limit where the tokens of pods are to live longer than they ask for. */
function* warningsOf(config: ServiceAccountConfig, keys: TokenKeys): Iterable<string> {
  const max = maxTokenSecondsOf(config, keys);
  const isOutside = 'endpoint' in config.keys;
  const extended = 'service-account-extend-token-expiration is true';
  if (max > 0 && max < WATCHED_SECONDS) {
    const limit = isOutside
      ? 'token lifetime supported by external-jwt-signer must be longer than'
      : 'service-account-max-token-expiration must be set longer than';
    yield `${extended}, in order to correctly trigger safe transition logic, ${limit} ${WATCHED_SECONDS} seconds (currently ${text(max)})`;
  }
  if (max > 0 && max < EXTENDED_SECONDS)
    yield isOutside
      ? `${extended}, tokens validity will be caped at the smaller of ${EXTENDED_SECONDS} seconds and maximum token lifetime supported by external-jwt-signer (${text(max)})`
      : `${extended}, enabling tokens valid up to ${EXTENDED_SECONDS} seconds, which is longer than service-account-max-token-expiration set to ${text(max)}`;
}

const text = (seconds: number) => formatDuration(seconds * 1000);
