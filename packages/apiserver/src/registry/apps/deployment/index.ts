import type { Deployment } from '@keelson/api/generated/types/apps/v1';
import type { PodPolicy } from '../../core/pod/validation/options.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { makeStrategy, status } from './strategy.ts';

export function makeDeploymentRegistration(policy: PodPolicy): KindRegistration<Deployment> {
  return { strategy: makeStrategy(policy), table, subresources: { status } };
}
