/** How pods are made and changed (k8s.io/kubernetes/pkg/registry/core/pod/strategy.go). */

import { semanticEqual } from '@keelson/api/codec/equality';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { computeQOS } from '@keelson/api/resources/pod';
import { structType } from '@keelson/api/schema';
import { isDNS1123Label } from '@keelson/api/validation/names';
import type { DeleteOptions, Strategy, StrategyContext } from '../../strategy.ts';
import { syncAppArmor } from './apparmor.ts';
import { setPodCondition } from './conditions.ts';
import { defaultPodResources, defaults } from './defaults.ts';
import { dropDisabledPodFields } from './disabledfields.ts';
import { mergeMatchLabelKeys } from './matchlabelkeys.ts';
import type { PodPolicy } from './validation/options.ts';
import { validatePodCreate } from './validation/pod.ts';
import { validatePodUpdate } from './validation/update.ts';
import { warningsForPod } from './warnings.ts';

const SPEC_TYPE = structType('io.k8s.api.core.v1.PodSpec');
const SCHEDULING_GATED = {
  type: 'PodScheduled',
  status: 'False',
  reason: 'SchedulingGated',
  message: 'Scheduling is blocked due to non-empty scheduling gates',
};

export function makeStrategy(policy: PodPolicy): Strategy<Pod> {
  const { isEnabled } = policy;
  return {
    returnDeletedObject: true,
    defaults: (pod) => defaults(pod, isEnabled),
    prepareForCreate(ctx, pod, warn) {
      pod.metadata.generation = 1;
      const shown = pod.status?.qosClass;
      pod.status = { phase: 'Pending' };
      dropDisabledPodFields(policy, pod);
      pod.status.qosClass = shown || computeQOS(pod.spec);
      if (pod.spec.schedulingGates?.length) setPodCondition(pod, SCHEDULING_GATED, ctx.now);
      mergeMatchLabelKeys(pod, isEnabled);
      for (const text of syncAppArmor(pod)) warn?.(text);
    },
    validate: (_ctx, pod) => validatePodCreate(policy, pod),
    // As whoever reads it next is shown it: admission may have given containers requests of their own.
    canonicalize: ({ spec }) => defaultPodResources(spec, isEnabled),
    warningsOnCreate: (_ctx, pod) => [...warningsForHostname(pod.metadata.name ?? ''), ...warningsForPod(pod)],
    prepareForUpdate(_ctx, pod, old) {
      pod.status = old.status;
      dropDisabledPodFields(policy, pod, old);
      bumpPodGeneration(pod, old);
    },
    updateChecks: ['metadata', 'new metadata', 'kind'],
    validateUpdate: (_ctx, pod, old) => validatePodUpdate(policy, pod, old),
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
}

function warningsForHostname(name: string): string[] {
  const problems = isDNS1123Label(name);
  if (problems.length === 0) return [];
  return [
    `metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
  ];
}

/** Before an update the registry has put the old object's generation into the new one. */
export function bumpPodGeneration(pod: Pod, old: Pod): void {
  if (!semanticEqual(pod.spec, old.spec, SPEC_TYPE)) pod.metadata.generation = (pod.metadata.generation ?? 0) + 1;
}

/** A pod that no kubelet looks after, or that has ended, goes at once. */
function checkGracefulDelete(_ctx: StrategyContext, { spec, status }: Pod, options: DeleteOptions): boolean {
  let period = options.gracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 0;
  if (!spec.nodeName || status.phase === 'Failed' || status.phase === 'Succeeded') period = 0;
  options.gracePeriodSeconds = period < 0 ? 1 : period;
  return true;
}
