import type { Deployment } from '@keelson/api/generated/types/apps/v1';
import type { PodPolicy } from '../../core/pod/validation/options.ts';
import type { KindRegistration } from '../../strategy.ts';
import { noReplicas } from '../replicas.ts';
import { table } from './columns.ts';
import { ROLLBACK_TO } from './defaults.ts';
import { makeStatus, makeStrategy } from './strategy.ts';

export function makeDeploymentRegistration(policy: PodPolicy): KindRegistration<Deployment> {
  return {
    strategy: makeStrategy(policy),
    table,
    subresources: { status: makeStatus(policy) },
    fieldAnnotations: [ROLLBACK_TO],
    completeEmpty: noReplicas,
  };
}
