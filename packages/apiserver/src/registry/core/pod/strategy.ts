/** How pods are made and changed (k8s.io/kubernetes/pkg/registry/core/pod/strategy.go). */
import type { Container, Pod, PodCondition } from '@keelson/api/generated/types/core/v1';
import { Path } from '@keelson/api/field';
import type { ObjectMeta } from '@keelson/api/object';
import { isDNS1123Label } from '@keelson/api/validation/names';
import type { DeleteOptions, Strategy, StrategyContext, ViewSubresource } from '../../strategy.ts';
import { semanticEqual } from '../../validation/fields.ts';
import { warningsForIP } from '../../validation/ip.ts';
import { syncAppArmor } from './apparmor.ts';
import { defaults } from './defaults.ts';
import { dropDisabledPodFields } from './disabledfields.ts';
import { mergeMatchLabelKeys } from './matchlabelkeys.ts';
import { qosClass } from './resources.ts';
import { validateEphemeralContainersUpdate } from './validation/ephemeral.ts';
import { validatePodCreate } from './validation/pod.ts';
import { validatePodResize } from './validation/resize.ts';
import { validatePodStatusUpdate } from './validation/status.ts';
import { validatePodUpdate } from './validation/update.ts';
import { warningsForPod } from './warnings.ts';

const appArmorWarnings = new WeakMap<Pod, string[]>();

export const strategy: Strategy<Pod> = {
  returnDeletedObject: true,
  defaults,
  prepareForCreate(_ctx, pod) {
    pod.metadata.generation = 1;
    pod.status = { phase: 'Pending', qosClass: qosClass({ ...pod, status: {} }) };
    dropDisabledPodFields(pod);
    if (pod.spec.schedulingGates?.length) pod.status.conditions = [schedulingGated(_ctx)];
    mergeMatchLabelKeys(pod);
    appArmorWarnings.set(pod, syncAppArmor(pod));
  },
  validate: (_ctx, pod) => validatePodCreate(pod),
  warningsOnCreate: (_ctx, pod) => [
    ...(appArmorWarnings.get(pod) ?? []),
    ...warningsForHostname(pod.metadata.name ?? ''),
    ...warningsForPod(pod),
  ],
  prepareForUpdate(_ctx, pod, old) {
    pod.status = old.status;
    dropDisabledPodFields(pod, old);
    bumpGeneration(pod, old);
  },
  validatesMetadataOnUpdate: true,
  validateUpdate: (_ctx, pod, old) => validatePodUpdate(pod, old),
  checkGracefulDelete,
  selectableFields: ({ spec, status }) => ({
    'spec.nodeName': spec.nodeName ?? '',
    'spec.restartPolicy': spec.restartPolicy ?? '',
    'spec.schedulerName': spec.schedulerName ?? '',
    'spec.serviceAccountName': spec.serviceAccountName ?? '',
    'spec.hostNetwork': String(spec.hostNetwork ?? false),
    'status.phase': status.phase ?? '',
    'status.podIP': status.podIPs?.[0]?.ip ?? '',
    'status.nominatedNodeName': status.nominatedNodeName ?? '',
  }),
  resetFields: { v1: { 'f:status': {} } },
};

function warningsForHostname(name: string): string[] {
  const problems = isDNS1123Label(name);
  if (problems.length === 0) return [];
  return [
    `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
  ];
}

function schedulingGated({ now }: StrategyContext): PodCondition {
  return {
    type: 'PodScheduled',
    status: 'False',
    lastTransitionTime: `${now.toISOString().slice(0, 19)}Z`,
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
  };
}

function bumpGeneration(pod: Pod, old: Pod): void {
  if (!semanticEqual(pod.spec, old.spec)) pod.metadata.generation = (pod.metadata.generation ?? 0) + 1;
}

/** A pod that no kubelet looks after, or that has ended, goes at once. */
function checkGracefulDelete(_ctx: StrategyContext, { spec, status }: Pod, options: DeleteOptions): boolean {
  let period = options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 0;
  if (!spec.nodeName || status.phase === 'Failed' || status.phase === 'Succeeded') period = 0;
  options.gracePeriodSeconds = period < 0 ? 1 : period;
  return true;
}

export const status: ViewSubresource<Pod> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, pod, old) {
      pod.spec = old.spec;
      delete pod.metadata.deletionTimestamp;
      // Old kubelets would corrupt them.
      restore(pod.metadata, old.metadata, 'ownerReferences');
      if (!pod.status.qosClass && old.status.qosClass) pod.status.qosClass = old.status.qosClass;
      keepObservedGenerations(pod, old);
      dropDisabledPodFields(pod, old);
    },
    validatesMetadataOnUpdate: false,
    validateUpdate: (_ctx, pod, old) => validatePodStatusUpdate(pod, old),
    warningsOnUpdate: (_ctx, { status: { podIPs = [], hostIPs = [] } }) => [
      ...podIPs.flatMap(({ ip }, i) => warningsForIP(Path.of('status', 'podIPs').index(i).child('ip'), ip)),
      ...hostIPs.flatMap(({ ip }, i) => warningsForIP(Path.of('status', 'hostIPs').index(i).child('ip'), ip)),
    ],
    resetFields: { v1: { 'f:spec': {}, 'f:metadata': { 'f:deletionTimestamp': {}, 'f:ownerReferences': {} } } },
  },
};

/** What has been observed once is not unobserved by leaving it out. */
function keepObservedGenerations(pod: Pod, old: Pod): void {
  if (!pod.status.observedGeneration && old.status.observedGeneration)
    pod.status.observedGeneration = old.status.observedGeneration;
  const known = Map.groupBy(old.status.conditions ?? [], (condition) => condition.type);
  for (const condition of pod.status.conditions ?? []) {
    const before = known.get(condition.type)?.shift()?.observedGeneration;
    if (!condition.observedGeneration && before) condition.observedGeneration = before;
  }
}

export const ephemeralcontainers: ViewSubresource<Pod> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, pod, old) {
      const { ephemeralContainers, ...others } = { ...old.spec, ephemeralContainers: pod.spec.ephemeralContainers };
      pod.spec = ephemeralContainers ? { ...others, ephemeralContainers } : others;
      pod.status = old.status;
      resetMetadata(pod.metadata, old.metadata);
      dropDisabledPodFields(pod, old);
      bumpGeneration(pod, old);
    },
    validateUpdate: (_ctx, pod, old) => validateEphemeralContainersUpdate(pod, old),
    warningsOnUpdate: () => [],
  },
};

export const resize: ViewSubresource<Pod> = {
  type: 'view',
  strategy: {
    prepareForUpdate(_ctx, pod, old) {
      keepResources(pod, old);
      dropDisabledPodFields(pod, old);
      bumpGeneration(pod, old);
    },
    validateUpdate: (_ctx, pod, old) => validatePodResize(pod, old),
    warningsOnUpdate: () => [],
  },
};

/** Takes from the new pod its resources and resize policies alone, unless containers were added, removed or moved. */
function keepResources(pod: Pod, old: Pod): void {
  const { spec } = pod;
  if (
    spec.containers?.length !== old.spec.containers?.length ||
    (spec.initContainers?.length ?? 0) !== (old.spec.initContainers?.length ?? 0)
  )
    return;
  pod.spec = { ...old.spec, containers: resized(spec.containers ?? [], old.spec.containers ?? []) };
  if (spec.initContainers) pod.spec.initContainers = resized(spec.initContainers, old.spec.initContainers ?? []);
  if (spec.resources) pod.spec.resources = spec.resources;
  else delete pod.spec.resources;
  pod.status = old.status;
  resetMetadata(pod.metadata, old.metadata);
}

function resized(containers: readonly Container[], old: readonly Container[]): Container[] {
  if (containers.some(({ name }, i) => name !== old[i]!.name)) return [...containers];
  return containers.map(({ resources, resizePolicy }, i) => {
    const { resizePolicy: _, ...rest } = old[i]!;
    return resizePolicy ? { ...rest, resources, resizePolicy } : { ...rest, resources };
  });
}

/** Everything but managed fields (apimachinery's ResetObjectMetaForStatus). */
function resetMetadata(metadata: ObjectMeta, old: ObjectMeta): void {
  for (const key of [
    'deletionTimestamp',
    'generation',
    'selfLink',
    'labels',
    'annotations',
    'finalizers',
    'ownerReferences',
  ] as const)
    restore(metadata, old, key);
}

function restore<K extends keyof ObjectMeta>(metadata: ObjectMeta, old: ObjectMeta, key: K): void {
  if (old[key] === undefined) delete metadata[key];
  else metadata[key] = old[key];
}
