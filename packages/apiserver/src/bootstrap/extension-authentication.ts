/** The config map by which extension servers learn whom to trust (pkg/controlplane/controller/clusterauthenticationtrust). */
import type { X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ConfigMap } from '@keelson/api/generated/types/core/v1';
import type { Logger } from '@keelson/component/logs/logger';
import type { RequestHeaderConfig, ServerConfig } from '../config.ts';
import type { HealthChecks } from '../health/checks.ts';
import { certificatesOf } from '../http/pem.ts';
import { Periodic } from './periodic.ts';
import { type BootstrapClient, ensure, unlessUnreadable, type Write } from './reconcile.ts';

const INTERVAL_MS = 60_000;

interface Options {
  readonly client: BootstrapClient;
  readonly config: Pick<ServerConfig, 'clientCa' | 'requestHeader'>;
  readonly now: () => Date;
  readonly logger: Logger;
}

/** Adds what this server trusts to the config map, from its files as they are: when one changes, and each minute. */
export class ExtensionAuthentication {
  readonly #config: Options['config'];
  readonly #periodic: Periodic;

  constructor({ client, config, now, logger }: Options) {
    this.#config = config;
    this.#periodic = new Periodic(
      () =>
        unlessUnreadable(
          ensure(client, extensionAuthentication(authenticationInfo(config)), (desired, live) =>
            reconcileAuthentication(desired, live, now()),
          ),
        ),
      INTERVAL_MS,
      (error) => logger.warn({ error: String(error) }, 'extension servers were not told whom to trust'),
    );
  }

  /** Resolves when it is written. @throws StatusError, StoreUnavailableError */
  async start(health: HealthChecks): Promise<void> {
    const written = health.addBootHook('start-cluster-authentication-info-controller');
    await this.#periodic.start();
    const { clientCa, requestHeader } = this.#config;
    for (const file of [clientCa, requestHeader?.clientCa]) file?.onChange?.(() => this.#periodic.again());
    written();
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }
}

function authenticationInfo({ clientCa, requestHeader }: Options['config']): AuthenticationInfo {
  return {
    ...(clientCa ? { clientCa: clientCa.get() } : {}),
    ...(requestHeader ? { requestHeader: { ...requestHeader, clientCa: requestHeader.clientCa.get() } } : {}),
  };
}

export interface AuthenticationInfo {
  /** PEM. */
  readonly clientCa?: string;
  readonly requestHeader?: Omit<RequestHeaderConfig, 'clientCa'> & { readonly clientCa: string };
}

export function extensionAuthentication({ clientCa, requestHeader }: AuthenticationInfo): ConfigMap {
  const metadata = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };
  const data = {
    ...(clientCa ? { 'client-ca-file': clientCa } : {}),
    ...(requestHeader && {
      'requestheader-allowed-names': JSON.stringify(requestHeader.allowedNames),
      'requestheader-client-ca-file': requestHeader.clientCa,
      'requestheader-extra-headers-prefix': JSON.stringify(requestHeader.extraHeaderPrefixes),
      'requestheader-group-headers': JSON.stringify(requestHeader.groupHeaders),
      ...(requestHeader.uidHeaders.length
        ? { 'requestheader-uid-headers': JSON.stringify(requestHeader.uidHeaders) }
        : {}),
      'requestheader-username-headers': JSON.stringify(requestHeader.usernameHeaders),
    }),
  };
  return { kind: 'ConfigMap', apiVersion: 'v1', metadata, data };
}

/** What other servers of the cluster wrote stays; of certificates those that have not expired, each once. */
export function reconcileAuthentication(
  desired: ConfigMap,
  live: ConfigMap | undefined,
  now: Date,
): Write<ConfigMap>[] {
  const before = live?.data ?? {};
  const after: Record<string, string> = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(desired.data ?? {})])) {
    const [theirs = '', ours = ''] = [before[key], desired.data?.[key]];
    const value = key.endsWith('-ca-file') ? joinCertificates(theirs + ours, now) : joinLists(theirs, ours);
    if (value !== '') after[key] = value;
  }
  if (!live) return Object.keys(after).length ? [{ type: 'create', object: { ...desired, data: after } }] : [];
  return isDeepStrictEqual(before, after) ? [] : [{ type: 'update', object: { ...live, data: after } }];
}

function joinCertificates(pem: string, now: Date): string {
  const valid = certificatesOf(pem).filter((c) => Date.parse(c.validTo) > now.getTime());
  return [...new Map(valid.map((c: X509Certificate) => [c.fingerprint256, c.toString()])).values()].join('');
}

function joinLists(theirs: string, ours: string): string {
  const lists = [theirs, ours].map((text) => (text === '' ? [] : (JSON.parse(text) as string[])));
  return JSON.stringify([...new Set(lists.flat())]);
}
