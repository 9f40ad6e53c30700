/** The checks that every server has, and the boot hooks of kube-apiserver that have no counterpart here. */
import type { HealthChecks } from './checks.ts';
import { BOOT_HOOKS, type BootHook } from './order.ts';

export interface StandardChecks {
  /** Rejects while the store does not answer. */
  readonly storeHealth: () => Promise<void>;
  /** The same, for who wants to know whether requests may be sent here. */
  readonly storeReadiness: () => Promise<void>;
  /** Kinds of {@link FOLLOWED} of which not all could be read since the start. */
  readonly unread: () => readonly string[];
  readonly isShuttingDown: () => boolean;
  readonly priorityAndFairness: boolean;
  /** Whether the encryption of stored objects follows its file. */
  readonly reloadsEncryption: boolean;
  /** Whether there is a certificate for extension API servers. */
  readonly hasProxyCertificate: boolean;
  /** Whether others may know where this server is, and whether requests may go to them. */
  readonly peers: { readonly areTold: boolean; readonly areAsked: boolean };
}

/**
 * Adds them. Every boot hook is pending at first; a component that does a hook's work takes it over with `addBootHook`.
 * @returns to be called when the server has booted: finishes the hooks that nobody took over
 */
export function addStandardChecks(health: HealthChecks, standard: StandardChecks): () => void {
  const finishers = BOOT_HOOKS.filter((hook) => isWanted(hook, standard)).map((hook) => health.reserveBootHook(hook));
  const nothing = { check() {} };
  health.add({ name: 'log', ...nothing });
  health.add({ name: 'loopback-serving-certificate', ...nothing }, ['healthz', 'livez']);
  const synced = () => {
    const kinds = standard.unread();
    if (kinds.length > 0)
      throw new Error(`${kinds.length} informers not started yet: [${kinds.map((kind) => `*v1.${kind}`).join(' ')}]`);
  };
  health.add({ name: 'informer-sync', check: synced }, ['readyz']);
  health.add({ name: 'etcd', group: 'etcd', check: standard.storeHealth });
  health.add({ name: 'etcd-readiness', group: 'etcd-readiness', check: standard.storeReadiness }, ['readyz']);
  const check = () => {
    if (standard.isShuttingDown()) throw new Error('process is shutting down');
  };
  health.add({ name: 'shutdown', check }, ['readyz']);
  return () => {
    for (const finish of finishers) finish();
  };
}

const PEERING: readonly BootHook[] = [
  'mixed-version-proxy-handler',
  'local-discovery-cache-sync',
  'peer-discovery-workers',
];
const FLOW_CONTROL: readonly BootHook[] = ['priority-and-fairness-config-consumer', 'priority-and-fairness-filter'];

function isWanted(
  hook: BootHook,
  { priorityAndFairness, hasProxyCertificate, reloadsEncryption, peers }: StandardChecks,
): boolean {
  if (hook === 'start-encryption-provider-config-automatic-reload') return reloadsEncryption;
  if (hook === 'aggregator-reload-proxy-client-cert') return hasProxyCertificate;
  if (hook === 'peer-endpoint-reconciler-controller') return peers.areTold;
  if (PEERING.includes(hook)) return peers.areAsked;
  if (FLOW_CONTROL.includes(hook)) return priorityAndFairness;
  return hook !== 'max-in-flight-filter' || !priorityAndFairness;
}

/** What kube-apiserver itself follows, by `group/resource`: without it, it is not ready. */
export const FOLLOWED: ReadonlySet<string> = new Set([
  ...among(
    '',
    'limitranges namespaces nodes persistentvolumeclaims persistentvolumes pods resourcequotas secrets serviceaccounts services',
  ),
  ...among(
    'admissionregistration.k8s.io',
    'mutatingadmissionpolicies mutatingadmissionpolicybindings mutatingwebhookconfigurations',
    'validatingadmissionpolicies validatingadmissionpolicybindings validatingwebhookconfigurations',
  ),
  ...among('apiextensions.k8s.io', 'customresourcedefinitions'),
  ...among('apiregistration.k8s.io', 'apiservices'),
  ...among('discovery.k8s.io', 'endpointslices'),
  ...among('flowcontrol.apiserver.k8s.io', 'flowschemas prioritylevelconfigurations'),
  ...among('networking.k8s.io', 'ingressclasses ipaddresses servicecidrs'),
  ...among('node.k8s.io', 'runtimeclasses'),
  ...among('rbac.authorization.k8s.io', 'clusterrolebindings clusterroles rolebindings roles'),
  ...among('resource.k8s.io', 'deviceclasses resourceclaims resourceslices'),
  ...among('scheduling.k8s.io', 'priorityclasses'),
  ...among('storage.k8s.io', 'csidrivers storageclasses volumeattachments'),
]);

function among(group: string, ...resources: readonly string[]): string[] {
  return resources.flatMap((names) => names.split(' ')).map((resource) => `${group}/${resource}`);
}
