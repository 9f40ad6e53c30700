/**
 * What providers of credentials are told of the account that a pod runs as, where their configuration wants that
 * (pkg/credentialprovider/plugin, serviceAccountProvider).
 */
import { createHash } from 'node:crypto';
import type { Pod, ServiceAccount } from '@keelson/api/generated/types/core/v1';
import type { Client } from '@keelson/client';
import type { PodTokens } from '../volumes/tokens.ts';

/** `tokenAttributes` of a provider. */
export interface TokenAttributes {
  readonly audience: string;
  /** Whether an answer is good for one token alone, or for all of the account's pods. */
  readonly cacheType: 'Token' | 'ServiceAccount';
  /** Pods without an account get nothing from this provider. */
  readonly requiresAccount: boolean;
  /** Accounts without any of these annotations get nothing either. */
  readonly requiredAnnotations: readonly string[];
  readonly optionalAnnotations: readonly string[];
}

/** Where accounts and their tokens come from. */
export interface PodAccounts {
  account(namespace: string, name: string): Promise<ServiceAccount>;
  /** @param accountUid the token is refused where the account is another by now */
  token(pod: Pod, audience: string, accountUid: string): Promise<string>;
}

/** Accounts as the API server has them. */
export function accountsOf(client: Client, tokens: PodTokens): PodAccounts {
  return {
    account: (namespace, name) => client.resource('serviceaccounts').get({ namespace, name }),
    token: async (pod, audience, uid) => (await tokens.issue(pod, audience, undefined, uid)).token,
  };
}

/** An account, as records of pulls name it. */
export interface PullAccount {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

export interface AccountData {
  readonly account: PullAccount;
  readonly token: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/**
 * @returns undefined where the provider is to be asked without an account; `refused` where it is not to be asked
 * @throws Error where the account or its token cannot be had
 */
export async function accountDataOf(
  pod: Pod,
  attributes: TokenAttributes,
  accounts: PodAccounts,
): Promise<AccountData | 'refused' | undefined> {
  const { audience, requiresAccount, requiredAnnotations, optionalAnnotations } = attributes;
  const { namespace = '' } = pod.metadata;
  const name = pod.spec?.serviceAccountName ?? '';
  if (name === '') return requiresAccount ? 'refused' : undefined;
  const { metadata } = await accounts.account(namespace, name).catch((error: Error) => {
    throw new Error(`failed to get service account: ${error.message}`, { cause: error });
  });
  const { uid = '', annotations: all = {} } = metadata;
  if (requiredAnnotations.some((key) => all[key] === undefined)) return 'refused';
  const told = [...requiredAnnotations, ...optionalAnnotations].filter((key) => all[key] !== undefined);
  const token = await accounts.token(pod, audience, uid).catch((error: Error) => {
    throw new Error(`failed to get service account token: ${error.message}`, { cause: error });
  });
  return {
    account: { uid, namespace, name },
    token,
    annotations: Object.fromEntries(told.sort().map((key) => [key, all[key]!])),
  };
}

/** For whom an answer may be remembered. */
export function cacheKeyOf(
  { account: { uid, namespace, name }, token, annotations }: AccountData,
  { cacheType }: TokenAttributes,
): string {
  return JSON.stringify([namespace, name, uid, annotations, ...(cacheType === 'Token' ? [hashOf(token)] : [])]);
}

/** Who asks for the same at once. */
export function questionOf(data: AccountData): string {
  return JSON.stringify([hashOf(data.token), data.annotations]);
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
