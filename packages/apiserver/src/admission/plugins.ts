/**
 * All plugins of kube-apiserver in their order, and which of them are on (pkg/kubeapiserver/options/plugins.go). Those of
 * policies and webhooks are given by the caller, who owns what they need.
 */
import { asError } from '../aggregate.ts';
import { alwaysAdmit, alwaysDeny } from './always.ts';
import {
  certificateApproval,
  certificateSigning,
  certificateSubjectRestriction,
  clusterTrustBundleAttest,
} from './certificates.ts';
import { AdmissionChain } from './chain.ts';
import type { PluginConfigurations } from './configuration.ts';
import { defaultIngressClass, defaultStorageClass } from './defaultclasses.ts';
import { denyServiceExternalIPs, limitPodHardAntiAffinityTopology } from './denials.ts';
import { AdmissionConfigError } from './error.ts';
import { eventLimits, eventRateLimit } from './eventratelimit.ts';
import { imagePolicyConfig, imagePolicyWebhook } from './imagepolicy.ts';
import { alwaysPullImages } from './images.ts';
import { limitRanger } from './limitranger.ts';
import type { AdmissionMetrics } from './metrics.ts';
import { namespaceAutoProvision, namespaceExists, namespaceLifecycle } from './namespace.ts';
import { nodeDeclaredFeatureValidator, podResizeValidator, podTopologyLabels } from './nodefit.ts';
import { nodeRestriction } from './noderestriction.ts';
import { ownerReferencesPermissionEnforcement } from './owners.ts';
import type { AdmissionPlugin, AdmissionWorld } from './plugin.ts';
import { nodeSelectors, podNodeSelector } from './podnodeselector.ts';
import { podSecurityConfig } from './podsecurity/config.ts';
import { podSecurity } from './podsecurity/index.ts';
import { podTolerationRestriction, tolerationConfig } from './podtolerationrestriction.ts';
import { priority } from './priority.ts';
import { quotaConfig } from './quota/config.ts';
import { resourceQuota } from './quota/index.ts';
import { runtimeClass } from './runtimeclass.ts';
import { serviceAccount } from './serviceaccount.ts';
import { persistentVolumeClaimResize, storageObjectInUseProtection } from './storage.ts';
import {
  type DefaultTolerations,
  defaultTolerationSeconds,
  extendedResourceToleration,
  taintNodesByCondition,
} from './tolerations.ts';

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
  /** `--admission-control`: these and no others, whatever is on by default. */
  readonly onlyAdmissionPlugins?: readonly string[] | undefined;
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
  const { enableAdmissionPlugins: enable, disableAdmissionPlugins: disable, onlyAdmissionPlugins: only } = options;
  checkKnown('admission-control', only ?? []);
  checkKnown('enable-admission-plugins', enable);
  checkKnown('disable-admission-plugins', disable);
  if (only) return PLUGIN_ORDER.filter(([name]) => only.includes(name)).map(([name]) => name);
  const both = enable.filter((name) => disable.includes(name)).sort();
  if (both.length > 0)
    throw new Error(`[${both.join(' ')}] in enable-admission-plugins and disable-admission-plugins overlapped`);
  return PLUGIN_ORDER.filter(([name, on]) => enable.includes(name) || (on && !disable.includes(name))).map(([n]) => n);
}

function checkKnown(flag: string, names: readonly string[]): void {
  for (const name of names)
    if (!PLUGIN_ORDER.some(([known]) => known === name)) throw new Error(`${flag} plugin "${name}" is unknown`);
}

/**
 * @param given plugins that the caller makes; they stand at their place in the order
 * @throws Error for a plugin that is unknown, AdmissionConfigError for a configuration that makes no sense
 */
export function admissionChain(
  options: AdmissionOptions,
  world: AdmissionWorld,
  given: readonly AdmissionPlugin[] = [],
  metrics?: AdmissionMetrics,
): AdmissionChain {
  const configOf = (name: PluginName) => options.admissionControlConfig?.get(name);
  const makers: Partial<Record<PluginName, () => AdmissionPlugin>> = {
    AlwaysAdmit: alwaysAdmit,
    NamespaceAutoProvision: () => namespaceAutoProvision(world),
    NamespaceLifecycle: () => namespaceLifecycle(world),
    NamespaceExists: () => namespaceExists(world),
    LimitPodHardAntiAffinityTopology: limitPodHardAntiAffinityTopology,
    LimitRanger: () => limitRanger(world),
    ServiceAccount: () => serviceAccount(world),
    NodeRestriction: () => nodeRestriction(world),
    TaintNodesByCondition: taintNodesByCondition,
    AlwaysPullImages: alwaysPullImages,
    ImagePolicyWebhook: () => imagePolicyWebhook(imagePolicyConfig(configOf('ImagePolicyWebhook')), world.webhooks),
    PodSecurity: () => podSecurity(world, podSecurityConfig(configOf('PodSecurity')), metrics?.podSecurity),
    PodNodeSelector: () => podNodeSelector(world, nodeSelectors(configOf('PodNodeSelector'))),
    Priority: () => priority(world),
    DefaultTolerationSeconds: () => defaultTolerationSeconds(options.defaultTolerations ?? FIVE_MINUTES),
    PodTolerationRestriction: () =>
      podTolerationRestriction(world, tolerationConfig(configOf('PodTolerationRestriction'))),
    EventRateLimit: () => eventRateLimit(world, eventLimits(configOf('EventRateLimit'))),
    ExtendedResourceToleration: extendedResourceToleration,
    DefaultStorageClass: () => defaultStorageClass(world),
    StorageObjectInUseProtection: () => storageObjectInUseProtection(world),
    OwnerReferencesPermissionEnforcement: () => ownerReferencesPermissionEnforcement(world),
    PersistentVolumeClaimResize: () => persistentVolumeClaimResize(world),
    RuntimeClass: () => runtimeClass(world),
    CertificateApproval: () => certificateApproval(world),
    CertificateSigning: () => certificateSigning(world),
    ClusterTrustBundleAttest: () => clusterTrustBundleAttest(world),
    CertificateSubjectRestriction: certificateSubjectRestriction,
    DefaultIngressClass: () => defaultIngressClass(world),
    DenyServiceExternalIPs: denyServiceExternalIPs,
    PodTopologyLabels: () => podTopologyLabels(world),
    NodeDeclaredFeatureValidator: () => nodeDeclaredFeatureValidator(world),
    PodResizeValidator: () => podResizeValidator(world),
    ResourceQuota: () => resourceQuota(world, quotaConfig(configOf('ResourceQuota'))),
    AlwaysDeny: alwaysDeny,
  };
  const plugins = enabledPlugins(options).flatMap((name) => {
    const plugin = given.find((p) => p.name === name) ?? made(name, makers[name]);
    return plugin ? [plugin] : [];
  });
  return new AdmissionChain(plugins, metrics);
}

function made(name: PluginName, make: (() => AdmissionPlugin) | undefined): AdmissionPlugin | undefined {
  try {
    return make?.();
  } catch (error) {
    throw new AdmissionConfigError(`couldn't init admission plugin "${name}": ${asError(error).message}`);
  }
}
