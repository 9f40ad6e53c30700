import type { ReplicationController } from '@keelson/api/generated/types/core/v1';
import type { KindRegistration } from '../../strategy.ts';
import type { PodPolicy } from '../pod/validation/options.ts';
import { table } from './columns.ts';
import { makeStrategy, status } from './strategy.ts';

export function makeReplicationControllerRegistration(policy: PodPolicy): KindRegistration<ReplicationController> {
  return {
    strategy: makeStrategy(policy),
    table,
    subresources: { status },
    fieldLabels: { supported: ['metadata.name', 'metadata.namespace', 'status.replicas'] },
  };
}
