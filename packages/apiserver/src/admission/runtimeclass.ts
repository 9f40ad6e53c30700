/** RuntimeClass: what a runtime costs, and where it is (plugin/pkg/admission/runtimeclass). */
import { StatusError } from '@keelson/api/errors';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { RuntimeClass, Scheduling } from '@keelson/api/generated/types/node/v1';
import { Quantity } from '@keelson/api/quantity';
import type { ResourceList } from '@keelson/api/resources/list';
import {
  type AdmissionAttributes,
  type AdmissionPlugin,
  type AdmissionWorld,
  objectOf,
  on,
  refuse,
  unaskable,
} from './plugin.ts';
import { mergeTolerations } from './tolerationsets.ts';

const CLASSES = 'runtimeclasses.node.k8s.io';
const OTHER_OVERHEAD = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

export function runtimeClass({ objects }: AdmissionWorld): AdmissionPlugin {
  async function classOf(a: AdmissionAttributes, { spec }: Pod): Promise<RuntimeClass | undefined> {
    const name = spec.runtimeClassName ?? undefined;
    if (name === undefined) return undefined;
    const cached = await objects.get(CLASSES, '', name);
    const problem = cached ? undefined : unaskable(name);
    if (problem) throw new StatusError(500, '', problem);
    const found = cached ?? (await objects.getLive(CLASSES, '', name));
    if (!found) throw refuse(a, `pod rejected: RuntimeClass "${name}" not found`);
    return found;
  }

  return {
    name: 'RuntimeClass',
    handles: on('pods', ['CREATE']),
    async mutate(a) {
      const pod = objectOf<Pod>(a);
      const { overhead, scheduling } = (await classOf(a, pod)) ?? {};
      if (overhead) setOverhead(a, pod, overhead.podFixed);
      if (scheduling) setScheduling(a, pod, scheduling);
    },
    async validate(a) {
      const pod = objectOf<Pod>(a);
      const { overhead } = (await classOf(a, pod)) ?? {};
      if (!overhead && pod.spec.overhead)
        throw refuse(a, 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead');
      if (overhead && !sameAmounts(overhead.podFixed, pod.spec.overhead)) throw refuse(a, OTHER_OVERHEAD);
    },
  };
}

function setOverhead(a: AdmissionAttributes, { spec }: Pod, fixed: ResourceList | undefined): void {
  const own = spec.overhead ?? {};
  if (Object.keys(own).length > 0 && !sameAmounts(fixed, own)) throw refuse(a, OTHER_OVERHEAD);
  if (fixed) spec.overhead = { ...fixed };
  else delete spec.overhead;
}

function setScheduling(a: AdmissionAttributes, { spec }: Pod, { nodeSelector, tolerations }: Scheduling): void {
  for (const [key, value] of Object.entries(nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value)
      throw refuse(
        a,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
      );
  }
  if (nodeSelector) spec.nodeSelector = { ...spec.nodeSelector, ...nodeSelector };
  const merged = mergeTolerations(spec.tolerations ?? [], tolerations ?? []);
  if (merged.length > 0) spec.tolerations = merged;
}

function sameAmounts(a: ResourceList | undefined, b: ResourceList | undefined): boolean {
  const names = new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})]);
  return [...names].every((name) => {
    const [x, y] = [a?.[name], b?.[name]];
    return x !== undefined && y !== undefined && Quantity.parse(x).cmp(Quantity.parse(y)) === 0;
  });
}
