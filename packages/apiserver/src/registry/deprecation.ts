/**
 * Which kinds are on their way out and what clients are told (the lifecycle methods of k8s.io/api,
 * apiserver/pkg/endpoints/deprecation). Custom resources say it in their definition.
 */
import { apiVersionOf, type GroupVersionKind } from '@keelson/api/object';

interface Lifecycle {
  /** Minor releases of version 1. */
  readonly deprecated: number;
  readonly removed?: number;
  /** `discovery.k8s.io/v1 EndpointSlice` */
  readonly replacement?: string;
}

/** By `apiVersion kind`, for what this release can serve. */
const LIFECYCLES: Readonly<Record<string, Lifecycle>> = {
  'v1 ComponentStatus': { deprecated: 19 },
  'v1 Endpoints': { deprecated: 33, replacement: 'discovery.k8s.io/v1 EndpointSlice' },
  'admissionregistration.k8s.io/v1alpha1 MutatingAdmissionPolicy': { deprecated: 35, removed: 38 },
  'admissionregistration.k8s.io/v1alpha1 MutatingAdmissionPolicyBinding': { deprecated: 35, removed: 38 },
  'certificates.k8s.io/v1alpha1 ClusterTrustBundle': { deprecated: 34, removed: 37 },
  'coordination.k8s.io/v1alpha2 LeaseCandidate': { deprecated: 35, removed: 38 },
  'coordination.k8s.io/v1beta1 LeaseCandidate': { deprecated: 36, removed: 39 },
  'networking.k8s.io/v1beta1 IPAddress': { deprecated: 34, removed: 37 },
  'networking.k8s.io/v1beta1 ServiceCIDR': { deprecated: 34, removed: 37 },
  'resource.k8s.io/v1alpha3 DeviceTaintRule': { deprecated: 36, removed: 39 },
  'resource.k8s.io/v1beta1 DeviceClass': { deprecated: 35, removed: 38 },
  'resource.k8s.io/v1beta1 ResourceClaim': { deprecated: 35, removed: 38 },
  'resource.k8s.io/v1beta1 ResourceClaimTemplate': { deprecated: 35, removed: 38 },
  'resource.k8s.io/v1beta1 ResourceSlice': { deprecated: 35, removed: 38 },
  'resource.k8s.io/v1beta2 DeviceClass': { deprecated: 36, removed: 39 },
  'resource.k8s.io/v1beta2 ResourceClaim': { deprecated: 36, removed: 39 },
  'resource.k8s.io/v1beta2 ResourceClaimTemplate': { deprecated: 36, removed: 39 },
  'resource.k8s.io/v1beta2 ResourceSlice': { deprecated: 36, removed: 39 },
  'storage.k8s.io/v1beta1 VolumeAttributesClass': {
    deprecated: 34,
    removed: 37,
    replacement: 'storage.k8s.io/v1 VolumeAttributesClass',
  },
};

/** The release that no longer serves the kind, such as `1.38`; '' where there is none yet. */
export function removedRelease(kind: GroupVersionKind): string {
  const removed = LIFECYCLES[`${apiVersionOf(kind)} ${kind.kind}`]?.removed;
  return removed === undefined ? '' : `1.${removed}`;
}

/** The warning that every answer about the kind carries; undefined where nothing is deprecated. */
export function deprecationWarning(kind: GroupVersionKind): string | undefined {
  const name = `${apiVersionOf(kind)} ${kind.kind}`;
  const lifecycle = LIFECYCLES[name];
  if (!lifecycle) return undefined;
  const { deprecated, removed, replacement } = lifecycle;
  const until = removed === undefined ? '' : `, unavailable in v1.${removed}+`;
  const instead = replacement === undefined ? '' : `; use ${replacement}`;
  return `${name} is deprecated in v1.${deprecated}+${until}${instead}`;
}
