/**
 * What validation lets pass because the old object holds it already (k8s.io/kubernetes/pkg/api/pod/util.go
 * GetValidationOptionsFromPodSpecAndMeta), with the feature gates at their defaults.
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
import { validateMatchLabelKeys } from './topologyspread.ts';

/** What the operator of the server decides. */
export interface PodPolicy {
  /** --allow-privileged */
  readonly allowPrivileged: boolean;
  /** Without it gates are as they are by default. */
  readonly isEnabled?: IsEnabled | undefined;
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
  readonly oldPodViolatesMatchLabelKeysValidation: boolean;
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
  const spec = old?.spec ?? { containers: [] };
  const { securityContext } = spec;
  const userNamespace = spec.hostUsers === false;
  return {
    ...policy,
    resourceIsPod,
    allowInvalidPodDeletionCost: !isDeletionCost(old?.metadata.annotations?.[DELETION_COST]),
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
    oldPodViolatesMatchLabelKeysValidation: (spec.topologySpreadConstraints ?? []).some(
      (constraint) =>
        validateMatchLabelKeys(Path.root, constraint.matchLabelKeys, undefined, constraint.labelSelector).length > 0,
    ),
    allowRestartContainerForInitContainers: (spec.initContainers ?? []).some(
      (container) =>
        !isSidecar(container) && container.resizePolicy?.some((p) => p.restartPolicy === 'RestartContainer'),
    ),
    allowUserNamespacesWithVolumeDevices:
      userNamespace && allContainers(spec).some((container) => container.volumeDevices?.length),
    allowUserNamespacesWithHostNetwork: userNamespace && spec.hostNetwork === true,
    allowTolerationComparison:
      policy.isEnabled?.('TaintTolerationComparisonOperators') === true ||
      (spec.tolerations ?? []).some(({ operator }) => operator === 'Lt' || operator === 'Gt'),
  };
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
  const lists = [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(({ resources }) => [
    resources?.limits,
    resources?.requests,
  ]);
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
