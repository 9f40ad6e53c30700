/**
 * The order of groups and versions in discovery: higher first. These numbers are also what the APIService objects of
 * built-in groups carry (groupPriorityMinimum, versionPriority).
 */

export interface Priority {
  readonly group: number;
  readonly version: number;
}

/** Groups that custom resources bring (crdregistration_controller.go). */
export const CUSTOM_RESOURCE_PRIORITY: Priority = { group: 1000, version: 100 };

const GROUP_PRIORITIES: Readonly<Record<string, number>> = {
  'apiregistration.k8s.io': 20001,
  '': 18000,
  apps: 17800,
  'events.k8s.io': 17750,
  'authentication.k8s.io': 17700,
  'authorization.k8s.io': 17600,
  autoscaling: 17500,
  batch: 17400,
  'certificates.k8s.io': 17300,
  'networking.k8s.io': 17200,
  policy: 17100,
  'rbac.authorization.k8s.io': 17000,
  'storage.k8s.io': 16800,
  'admissionregistration.k8s.io': 16700,
  'apiextensions.k8s.io': 16700,
  'scheduling.k8s.io': 16600,
  'coordination.k8s.io': 16500,
  'node.k8s.io': 16300,
  'discovery.k8s.io': 16200,
  'resource.k8s.io': 16200,
  'flowcontrol.apiserver.k8s.io': 16100,
  'internal.apiserver.k8s.io': 16000,
  'storagemigration.k8s.io': 15800,
};

/** What is not listed is 15 (the usual one for v1). */
const VERSION_PRIORITIES: Readonly<Record<string, number>> = {
  '/v1': 1,
  'admissionregistration.k8s.io/v1beta1': 12,
  'admissionregistration.k8s.io/v1alpha1': 9,
  'apiregistration.k8s.io/v1': 0,
  'autoscaling/v2': 30,
  'certificates.k8s.io/v1beta1': 9,
  'certificates.k8s.io/v1alpha1': 1,
  'coordination.k8s.io/v1beta1': 13,
  'coordination.k8s.io/v1alpha2': 12,
  'flowcontrol.apiserver.k8s.io/v1': 21,
  'internal.apiserver.k8s.io/v1alpha1': 9,
  'networking.k8s.io/v1beta1': 9,
  'resource.k8s.io/v1': 21,
  'resource.k8s.io/v1beta2': 15,
  'resource.k8s.io/v1beta1': 9,
  'resource.k8s.io/v1alpha3': 1,
  'scheduling.k8s.io/v1alpha2': 2,
  'storage.k8s.io/v1beta1': 9,
  'storagemigration.k8s.io/v1beta1': 9,
};

/** The priority of a built-in group and version (controlplane/apiserver/aggregator.go, kube-apiserver/app/aggregator.go). */
export function builtinPriority(group: string, version: string): Priority {
  return { group: GROUP_PRIORITIES[group] ?? 1000, version: VERSION_PRIORITIES[`${group}/${version}`] ?? 15 };
}

const KUBE_VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/;
const STAGES = ['alpha', 'beta', ''];

/**
 * Sorts versions as Kubernetes does, best first: v2, v1, v1beta2, v1beta1, v1alpha1, then what is no version, by name.
 * (apimachinery/pkg/version CompareKubeAwareVersionStrings, reversed.)
 */
export function compareVersions(a: string, b: string): number {
  const [x, y] = [KUBE_VERSION.exec(a), KUBE_VERSION.exec(b)];
  if (!x && !y) return a < b ? -1 : Number(a > b);
  if (!x || !y) return x ? -1 : 1;
  return (
    STAGES.indexOf(y[2] ?? '') - STAGES.indexOf(x[2] ?? '') ||
    Number(y[1]) - Number(x[1]) ||
    Number(y[3] ?? 0) - Number(x[3] ?? 0)
  );
}
