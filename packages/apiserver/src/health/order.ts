/**
 * kube-apiserver's health checks in the order in which it lists them. A check with another name goes before `shutdown`.
 */

/** Things that have to happen once before the server is ready. */
export const BOOT_HOOKS = [
  'start-encryption-provider-config-automatic-reload',
  'start-apiserver-admission-initializer',
  'generic-apiserver-start-informers',
  'priority-and-fairness-config-consumer',
  'priority-and-fairness-filter',
  'max-in-flight-filter',
  'storage-object-count-tracker-hook',
  'start-apiextensions-informers',
  'start-apiextensions-controllers',
  'crd-informer-synced',
  'start-system-namespaces-controller',
  'peer-endpoint-reconciler-controller',
  'mixed-version-proxy-handler',
  'local-discovery-cache-sync',
  'peer-discovery-workers',
  'start-cluster-authentication-info-controller',
  'start-kube-apiserver-identity-lease-controller',
  'start-kube-apiserver-identity-lease-garbage-collector',
  'storage-readiness',
  'start-legacy-token-tracking-controller',
  'start-service-ip-repair-controllers',
  'rbac/bootstrap-roles',
  'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer',
  'bootstrap-controller',
  'start-kubernetes-service-cidr-controller',
  'aggregator-reload-proxy-client-cert',
  'start-kube-aggregator-informers',
  'apiservice-status-local-available-controller',
  'apiservice-status-remote-available-controller',
  'apiservice-registration-controller',
  'apiservice-wait-for-first-sync',
  'apiservice-discovery-controller',
  'kube-apiserver-autoregistration',
  'apiservice-openapi-controller',
  'apiservice-openapiv3-controller',
] as const;
export type BootHook = (typeof BOOT_HOOKS)[number];

export const hookCheckName = (hook: BootHook): string => `poststarthook/${hook}`;

const FIRST = [
  'ping',
  'log',
  'loopback-serving-certificate',
  'etcd',
  'etcd-readiness',
  'kms-providers',
  'informer-sync',
];
/** It stands between two hooks, behind the one that starts what it waits for. */
const AFTER_AUTOREGISTRATION = 'autoregister-completion';
const LAST = 'shutdown';
/** Of stores besides the main one. */
const OVERRIDE = 'etcd-override-';

const RANKS: ReadonlyMap<string, number> = new Map(
  [
    ...FIRST,
    ...BOOT_HOOKS.flatMap((hook) =>
      hook === 'kube-apiserver-autoregistration' ? [hookCheckName(hook), AFTER_AUTOREGISTRATION] : hookCheckName(hook),
    ),
  ].map((name, rank) => [name, rank]),
);

/** Sorts by the rank of a check's name; checks of one rank stay in the order in which they were added. */
export function rankOfCheck(name: string): number {
  if (name === LAST) return Number.POSITIVE_INFINITY;
  return RANKS.get(name.startsWith(OVERRIDE) ? 'etcd-readiness' : name) ?? RANKS.size;
}
