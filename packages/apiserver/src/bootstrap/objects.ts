/** Single objects that exist from the start. */
import type { X509Certificate } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ConfigMap } from '@keelson/api/generated/types/core/v1';
import type { PriorityClass } from '@keelson/api/generated/types/scheduling/v1';
import type { RequestHeaderConfig } from '../config.ts';
import { certificatesOf } from '../http/pem.ts';
import type { Write } from './reconcile.ts';

export const SYSTEM_NAMESPACES = ['kube-system', 'kube-public', 'kube-node-lease', 'default'] as const;

/** pkg/registry/scheduling/rest/storage_scheduling.go */
export const systemPriorityClasses: readonly PriorityClass[] = [
  priorityClass(
    'system-node-critical',
    2_000_001_000,
    'Used for system critical pods that must not be moved from their current node.',
  ),
  priorityClass(
    'system-cluster-critical',
    2_000_000_000,
    'Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.',
  ),
];

function priorityClass(name: string, value: number, description: string): PriorityClass {
  return { kind: 'PriorityClass', apiVersion: 'scheduling.k8s.io/v1', metadata: { name }, value, description };
}

/** Since when unused tokens in secrets can be told from used ones (pkg/controlplane/controller/legacytokentracking). */
export function legacyTokenTracking(now: Date): ConfigMap {
  const metadata = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' };
  return { kind: 'ConfigMap', apiVersion: 'v1', metadata, data: { since: now.toISOString().slice(0, 10) } };
}

export function reconcileTracking(desired: ConfigMap, live: ConfigMap | undefined): Write<ConfigMap>[] {
  if (!live) return [{ type: 'create', object: desired }];
  if (/^\d{4}-\d\d-\d\d$/.test(live.data?.since ?? '')) return [];
  return [{ type: 'update', object: { ...live, data: { ...live.data, ...desired.data } } }];
}

export interface AuthenticationInfo {
  /** PEM. */
  readonly clientCa?: string;
  readonly requestHeader?: Omit<RequestHeaderConfig, 'clientCa'> & { readonly clientCa: string };
}

/** Where extension servers learn whom to trust (pkg/controlplane/controller/clusterauthenticationtrust). */
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
