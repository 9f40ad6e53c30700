import type { ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import type { PodPolicy } from '../../core/pod/validation/options.ts';
import type { KindRegistration } from '../../strategy.ts';
import { noReplicas } from '../replicas.ts';
import { table } from './columns.ts';
import { makeStatus, makeStrategy } from './strategy.ts';

export function makeReplicaSetRegistration(policy: PodPolicy): KindRegistration<ReplicaSet> {
  return {
    strategy: makeStrategy(policy),
    table,
    subresources: { status: makeStatus(policy) },
    completeEmpty: noReplicas,
  };
}
