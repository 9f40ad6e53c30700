/** Priority: pods get the number of their priority class; one class at most is the default (plugin/pkg/admission/priority). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { PriorityClass } from '@keelson/api/generated/types/scheduling/v1';
import {
  type AdmissionAttributes,
  type AdmissionPlugin,
  type AdmissionWorld,
  objectOf,
  oldObjectOf,
  on,
  refuse,
} from './plugin.ts';

const CLASSES = 'priorityclasses.scheduling.k8s.io';

interface Established {
  readonly className: string;
  readonly value: number;
  readonly preemptionPolicy: string | undefined;
}

export function priority({ objects }: AdmissionWorld): AdmissionPlugin {
  /** Where several claim to be it, the one with the lowest value. */
  async function defaultClass(): Promise<PriorityClass | undefined> {
    const classes = await objects.list(CLASSES, '');
    return classes
      .filter((c) => c.globalDefault)
      .reduce<PriorityClass | undefined>((low, c) => (low && low.value <= c.value ? low : c), undefined);
  }

  async function establish(a: AdmissionAttributes, className: string): Promise<Established> {
    const found = className === '' ? await defaultClass() : await objects.get(CLASSES, '', className);
    if (found) return { className: found.metadata.name!, value: found.value, preemptionPolicy: found.preemptionPolicy };
    if (className !== '') throw refuse(a, `no PriorityClass with name ${className} was found`);
    return { className: '', value: 0, preemptionPolicy: 'PreemptLowerPriority' };
  }

  async function createPod(a: AdmissionAttributes, { spec }: Pod): Promise<void> {
    const { className, value, preemptionPolicy } = await establish(a, spec.priorityClassName ?? '');
    if (spec.priority !== undefined && spec.priority !== value)
      throw refuse(
        a,
        `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${value} from the given PriorityClass name`,
      );
    if (className !== '') spec.priorityClassName = className;
    spec.priority = value;
    if (preemptionPolicy === undefined) return;
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== preemptionPolicy)
      throw refuse(
        a,
        `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${preemptionPolicy} from the given PriorityClass name`,
      );
    spec.preemptionPolicy = preemptionPolicy;
  }

  return {
    name: 'Priority',
    handles: on(['pods', CLASSES], ['CREATE', 'UPDATE']),
    async mutate(a) {
      if (a.resource.resource !== 'pods') return;
      const pod = objectOf<Pod>(a);
      if (a.operation === 'CREATE') return createPod(a, pod);
      const old = oldObjectOf<Pod>(a).spec;
      if (old.priority !== undefined) pod.spec.priority ??= old.priority;
      if (old.preemptionPolicy !== undefined) pod.spec.preemptionPolicy ??= old.preemptionPolicy;
    },
    async validate(a) {
      if (a.resource.resource === 'pods') return;
      const wanted = objectOf<PriorityClass>(a);
      if (!wanted.globalDefault) return;
      const known = await defaultClass();
      if (known && (a.operation === 'CREATE' || known.metadata.name !== wanted.metadata.name))
        throw refuse(
          a,
          `PriorityClass ${known.metadata.name} is already marked as default. Only one default can exist`,
        );
    },
  };
}
