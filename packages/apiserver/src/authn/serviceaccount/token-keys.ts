/** What the tokens of service accounts are signed and verified with: keys of files, or those of a signer outside. */
import type { KeyObject } from 'node:crypto';
import { signingKey, type VerificationKey, verificationKey } from '@keelson/component/jwt/keys';
import { sign } from '@keelson/component/jwt/sign';
import type { ServiceAccountConfig } from '../../config.ts';

export interface TokenKeys {
  /** How long the tokens may live that are signed. */
  readonly maxTokenSeconds: number;
  /** Those of this id; all where a token names none. A signer is asked for one that is not known. */
  find(id: string): readonly VerificationKey[] | Promise<readonly VerificationKey[]>;
  /** Those that others may verify tokens with, nobody being asked. */
  published(): readonly VerificationKey[];
  /** How long others may take these for the right ones. */
  maxAgeSeconds(): number;
  /** Calls back when others are published. */
  onChange(listener: () => void): void;
  /** @returns a token of these claims. @throws Error */
  sign(claims: object): Promise<string>;
  close(): void;
}

const MAX_AGE_SECONDS = 3600;

/** Keys stand in the order of the files; one that several files hold is there several times, as upstream publishes it. */
export function fileKeys(signing: KeyObject, verification: readonly KeyObject[]): TokenKeys {
  const own = signingKey(signing);
  const all = verification.map(verificationKey);
  return {
    maxTokenSeconds: Number.POSITIVE_INFINITY,
    find: (id) => keysOf(all, id),
    published: () => all,
    maxAgeSeconds: () => MAX_AGE_SECONDS,
    onChange() {},
    sign: (claims) => sign(own, claims),
    close() {},
  };
}

/** Those of this id; all where it is empty. */
export function keysOf<K extends VerificationKey>(keys: readonly K[], id: string): readonly K[] {
  return id === '' ? keys : keys.filter((key) => key.id === id);
}

/** What is configured, or else what a signer outside allows; 0: no limit. */
export function maxTokenSecondsOf({ maxExpirationSeconds }: ServiceAccountConfig, keys: TokenKeys): number {
  return maxExpirationSeconds ?? (Number.isFinite(keys.maxTokenSeconds) ? keys.maxTokenSeconds : 0);
}
