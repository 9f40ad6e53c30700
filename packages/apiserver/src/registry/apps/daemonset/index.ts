import type { DaemonSet } from '@keelson/api/generated/types/apps/v1';
import type { PodPolicy } from '../../core/pod/validation/options.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { makeStrategy, status } from './strategy.ts';
import { setTemplateGeneration, TEMPLATE_GENERATION } from './templategeneration.ts';

export function makeDaemonSetRegistration(policy: PodPolicy): KindRegistration<DaemonSet> {
  return {
    strategy: makeStrategy(policy),
    table,
    subresources: { status },
    fieldAnnotations: [TEMPLATE_GENERATION],
    completeEmpty: (obj) => setTemplateGeneration(obj, 0n),
  };
}
