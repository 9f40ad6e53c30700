/**
 * All plugins of kube-apiserver in their order, and which of them are on (pkg/kubeapiserver/options/plugins.go). Those of
 * policies and webhooks are given by the caller, who owns what they need.
 */
import { AdmissionChain } from './chain.ts';
import type { PluginConfigurations } from './configuration.ts';
import { limitRanger } from './limitranger.ts';
import { namespaceAutoProvision, namespaceExists, namespaceLifecycle } from './namespace.ts';
import { nodeRestriction } from './noderestriction.ts';
import type { AdmissionPlugin, AdmissionWorld } from './plugin.ts';
import { podSecurityConfig } from './podsecurity/config.ts';
import { podSecurity } from './podsecurity/index.ts';
import { priority } from './priority.ts';
import { quotaConfig } from './quota/config.ts';
import { resourceQuota } from './quota/index.ts';
import { serviceAccount } from './serviceaccount.ts';
import { type DefaultTolerations, defaultTolerationSeconds, taintNodesByCondition } from './tolerations.ts';

/** Name and whether it is on without being asked for. */
export const PLUGIN_ORDER = [
  ['AlwaysAdmit', false],
  ['NamespaceAutoProvision', false],
  ['NamespaceLifecycle', true],
  ['NamespaceExists', false],
  ['LimitPodHardAntiAffinityTopology', false],
  ['LimitRanger', true],
  ['ServiceAccount', true],
  ['NodeRestriction', false],
  ['TaintNodesByCondition', true],
  ['AlwaysPullImages', false],
  ['ImagePolicyWebhook', false],
  ['PodSecurity', true],
  ['PodNodeSelector', false],
  ['Priority', true],
  ['DefaultTolerationSeconds', true],
  ['PodTolerationRestriction', false],
  ['EventRateLimit', false],
  ['ExtendedResourceToleration', false],
  ['DefaultStorageClass', true],
  ['StorageObjectInUseProtection', true],
  ['PodGroupProtection', true],
  ['OwnerReferencesPermissionEnforcement', false],
  ['PersistentVolumeClaimResize', true],
  ['RuntimeClass', true],
  ['CertificateApproval', true],
  ['CertificateSigning', true],
  ['ClusterTrustBundleAttest', true],
  ['CertificateSubjectRestriction', true],
  ['DefaultIngressClass', true],
  ['DenyServiceExternalIPs', false],
  ['PodTopologyLabels', true],
  ['PodGroupWorkloadExists', true],
  ['NodeDeclaredFeatureValidator', true],
  ['JobValidation', true],
  ['PodResizeValidator', true],
  ['MutatingAdmissionPolicy', true],
  ['MutatingAdmissionWebhook', true],
  ['ValidatingAdmissionPolicy', true],
  ['ValidatingAdmissionWebhook', true],
  ['ResourceQuota', true],
  ['AlwaysDeny', false],
] as const satisfies readonly (readonly [string, boolean])[];

const FIVE_MINUTES: DefaultTolerations = { notReadySeconds: 300, unreachableSeconds: 300 };

export type PluginName = (typeof PLUGIN_ORDER)[number][0];

export interface AdmissionOptions {
  /** `--enable-admission-plugins` */
  readonly enableAdmissionPlugins: readonly string[];
  /** `--disable-admission-plugins` */
  readonly disableAdmissionPlugins: readonly string[];
  /** `--admission-control-config-file` */
  readonly admissionControlConfig?: PluginConfigurations;
  /** Default: five minutes each. */
  readonly defaultTolerations?: DefaultTolerations;
}

/**
 * The plugins that are on, in upstream's order whatever the order of the flags.
 * @throws Error for a plugin that is unknown, or both enabled and disabled
 */
export function enabledPlugins(options: AdmissionOptions): PluginName[] {
  const { enableAdmissionPlugins: enable, disableAdmissionPlugins: disable } = options;
  const known = new Set<string>(PLUGIN_ORDER.map(([name]) => name));
  for (const name of enable)
    if (!known.has(name)) throw new Error(`enable-admission-plugins plugin "${name}" is unknown`);
  for (const name of disable)
    if (!known.has(name)) throw new Error(`disable-admission-plugins plugin "${name}" is unknown`);
  const both = enable.filter((name) => disable.includes(name)).sort();
  if (both.length > 0)
    throw new Error(`[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`);
  return PLUGIN_ORDER.filter(([name, on]) => enable.includes(name) || (on && !disable.includes(name))).map(([n]) => n);
}

/**
 * @param given plugins that the caller makes; they stand at their place in the order
 * @throws Error for a plugin or a configuration that makes no sense
 */
export function admissionChain(
  options: AdmissionOptions,
  world: AdmissionWorld,
  given: readonly AdmissionPlugin[] = [],
): AdmissionChain {
  const configOf = (name: PluginName) => options.admissionControlConfig?.get(name);
  const makers: Partial<Record<PluginName, () => AdmissionPlugin>> = {
    NamespaceAutoProvision: () => namespaceAutoProvision(world),
    NamespaceLifecycle: () => namespaceLifecycle(world),
    NamespaceExists: () => namespaceExists(world),
    LimitRanger: () => limitRanger(world),
    ServiceAccount: () => serviceAccount(world),
    NodeRestriction: () => nodeRestriction(world),
    TaintNodesByCondition: () => taintNodesByCondition(),
    PodSecurity: () => podSecurity(world, podSecurityConfig(configOf('PodSecurity'))),
    Priority: () => priority(world),
    DefaultTolerationSeconds: () => defaultTolerationSeconds(options.defaultTolerations ?? FIVE_MINUTES),
    ResourceQuota: () => resourceQuota(world, quotaConfig(configOf('ResourceQuota'))),
  };
  const plugins = enabledPlugins(options).flatMap((name) => {
    const plugin = given.find((p) => p.name === name) ?? makers[name]?.();
    return plugin ? [plugin] : [];
  });
  return new AdmissionChain(plugins);
}
