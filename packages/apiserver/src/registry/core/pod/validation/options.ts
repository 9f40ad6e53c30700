/**
 * What validation lets pass because the old object holds it already (k8s.io/kubernetes/pkg/api/pod/util.go
 * GetValidationOptionsFromPodSpecAndMeta), and by feature gates.
 */

import { Path } from '@keelson/api/field';
import type { PodAffinity, PodSpec, PodTemplateSpec } from '@keelson/api/generated/types/core/v1';
import type { ObjectMeta } from '@keelson/api/object';
import { Quantity } from '@keelson/api/quantity';
import { isHugePages } from '@keelson/api/resources/names';
import { isSidecar } from '@keelson/api/resources/pod';
import { allContainers } from '@keelson/api/resources/pod-parts';
import { isValidLabelValue } from '@keelson/api/validation/names';
import type { IsEnabled } from '../../../../gates.ts';
import { validateLabelSelector } from '../../../validation/labelselector.ts';
import { isDivisibleByPageSize } from '../../../validation/resources.ts';
import { validateAffinityTermSelectors } from './affinity.ts';
import { DELETION_COST, isDeletionCost } from './annotations.ts';
import { validateLocalNonReservedPath } from './paths.ts';
import { isHostSysctl } from './securitycontext.ts';
import { validateSpreadLabelKeys } from './topologyspread.ts';

/** What the operator of the server decides. */
export interface PodPolicy {
  /** --allow-privileged */
  readonly allowPrivileged: boolean;
  readonly isEnabled: IsEnabled;
}

export interface PodValidationOptions extends PodPolicy {
  /** The spec is a pod's own, not a template's. */
  readonly resourceIsPod: boolean;
  readonly allowInvalidPodDeletionCost: boolean;
  readonly allowInvalidLabelValueInSelector: boolean;
  readonly allowIndivisibleHugePagesValues: boolean;
  readonly allowInvalidTopologySpreadConstraintLabelSelector: boolean;
  readonly allowNonLocalProjectedTokenPath: boolean;
  readonly allowNamespacedSysctlsForHostNetAndHostIPC: boolean;
  readonly allowOnlyRecursiveSELinuxChangePolicy: boolean;
  readonly allowInvalidLabelValueInRequiredNodeAffinity: boolean;
  /** Label keys of spread constraints are held to what it takes to merge them into selectors. */
  readonly mergesMatchLabelKeys: boolean;
  readonly allowRestartAllContainers: boolean;
  readonly allowRestartContainerForInitContainers: boolean;
  readonly allowUserNamespacesWithVolumeDevices: boolean;
  readonly allowUserNamespacesWithHostNetwork: boolean;
  readonly allowTolerationComparison: boolean;
}

export interface SpecAndMeta {
  readonly metadata: ObjectMeta;
  readonly spec: PodSpec;
}

export function templateOptions(policy: PodPolicy, old?: PodTemplateSpec): PodValidationOptions {
  return optionsFor(policy, old, false);
}

export function podOptions(policy: PodPolicy, old?: SpecAndMeta): PodValidationOptions {
  return optionsFor(policy, old, true);
}

function optionsFor(policy: PodPolicy, old: SpecAndMeta | undefined, resourceIsPod: boolean): PodValidationOptions {
  const { isEnabled } = policy;
  const spec = old?.spec ?? { containers: [] };
  const { securityContext } = spec;
  const userNamespace = spec.hostUsers === false;
  return {
    ...policy,
    resourceIsPod,
    allowInvalidPodDeletionCost:
      !isEnabled('PodDeletionCost') || !isDeletionCost(old?.metadata.annotations?.[DELETION_COST]),
    allowInvalidLabelValueInSelector: hasInvalidAffinitySelector(spec),
    allowIndivisibleHugePagesValues: hasIndivisibleHugePages(spec),
    allowInvalidTopologySpreadConstraintLabelSelector: (spec.topologySpreadConstraints ?? []).some(
      (constraint) => validateLabelSelector(constraint.labelSelector, {}, Path.root).length > 0,
    ),
    allowNonLocalProjectedTokenPath: hasNonLocalTokenPath(spec),
    allowNamespacedSysctlsForHostNetAndHostIPC: (securityContext?.sysctls ?? []).some(({ name }) =>
      isHostSysctl(name, spec),
    ),
    allowOnlyRecursiveSELinuxChangePolicy: securityContext?.seLinuxChangePolicy === undefined,
    allowInvalidLabelValueInRequiredNodeAffinity: hasInvalidNodeAffinity(spec),
    mergesMatchLabelKeys: mergesMatchLabelKeys(spec, isEnabled('MatchLabelKeysInPodTopologySpreadSelectorMerge')),
    allowRestartAllContainers: isEnabled('RestartAllContainersOnContainerExits') || restartsAllContainers(spec),
    allowRestartContainerForInitContainers: (spec.initContainers ?? []).some(
      (container) =>
        !isSidecar(container) && container.resizePolicy?.some((p) => p.restartPolicy === 'RestartContainer'),
    ),
    allowUserNamespacesWithVolumeDevices:
      userNamespace && allContainers(spec).some((container) => container.volumeDevices?.length),
    allowUserNamespacesWithHostNetwork: userNamespace && spec.hostNetwork === true,
    allowTolerationComparison:
      isEnabled('TaintTolerationComparisonOperators') ||
      (spec.tolerations ?? []).some(({ operator }) => operator === 'Lt' || operator === 'Gt'),
  };
}

/** What the old pod violates is not asked of the new one: the other rule is. */
function mergesMatchLabelKeys({ topologySpreadConstraints = [] }: PodSpec, merges: boolean): boolean {
  const violates = topologySpreadConstraints.some(
    (constraint) => validateSpreadLabelKeys(constraint, merges, Path.root).length > 0,
  );
  return merges !== violates;
}

/** Rules on sidecars came with the action. */
function restartsAllContainers({ containers, initContainers }: PodSpec): boolean {
  return (
    [...(containers ?? []), ...(initContainers ?? [])].some(({ restartPolicyRules }) =>
      restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
    ) || (initContainers ?? []).some((container) => isSidecar(container) && container.restartPolicyRules?.length)
  );
}

function hasInvalidAffinitySelector({ affinity }: PodSpec): boolean {
  const terms = (of: PodAffinity | undefined) => [
    ...(of?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(of?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((weighted) => weighted.podAffinityTerm),
  ];
  return [...terms(affinity?.podAffinity), ...terms(affinity?.podAntiAffinity)].some(
    (term) => validateAffinityTermSelectors(term, {}, Path.root).length > 0,
  );
}

function hasInvalidNodeAffinity({ affinity }: PodSpec): boolean {
  const terms = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  return terms.some((term) =>
    term.matchExpressions?.some((e) => e.values?.some((value) => isValidLabelValue(value).length > 0)),
  );
}

function hasIndivisibleHugePages(spec: PodSpec): boolean {
  const lists = allContainers(spec).flatMap(({ resources }) => [resources?.limits, resources?.requests]);
  return [...lists, spec.overhead].some((list) =>
    Object.entries(list ?? {}).some(
      ([name, text]) => isHugePages(name) && !isDivisibleByPageSize(name, Quantity.parse(text)),
    ),
  );
}

function hasNonLocalTokenPath({ volumes }: PodSpec): boolean {
  return (volumes ?? []).some(({ projected }) =>
    projected?.sources?.some(
      ({ serviceAccountToken }) =>
        serviceAccountToken && validateLocalNonReservedPath(serviceAccountToken.path, Path.root).length > 0,
    ),
  );
}
