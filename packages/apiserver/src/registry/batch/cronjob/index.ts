import type { CronJob } from '@keelson/api/generated/types/batch/v1';
import type { PodPolicy } from '../../core/pod/validation/options.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { makeStrategy, status } from './strategy.ts';

export function makeCronJobRegistration(policy: PodPolicy): KindRegistration<CronJob> {
  return { strategy: makeStrategy(policy), table, subresources: { status } };
}
