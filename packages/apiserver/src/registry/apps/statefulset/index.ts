import type { StatefulSet } from '@keelson/api/generated/types/apps/v1';
import type { PodPolicy } from '../../core/pod/validation/options.ts';
import type { KindRegistration } from '../../strategy.ts';
import { noReplicas } from '../replicas.ts';
import { table } from './columns.ts';
import { makeStrategy, status } from './strategy.ts';

export function makeStatefulSetRegistration(policy: PodPolicy): KindRegistration<StatefulSet> {
  return { strategy: makeStrategy(policy), table, subresources: { status }, completeEmpty: noReplicas };
}
