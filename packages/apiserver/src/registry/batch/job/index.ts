import type { Job } from '@keelson/api/generated/types/batch/v1';
import type { PodPolicy } from '../../core/pod/validation/options.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { makeStrategy, status } from './strategy.ts';

export function makeJobRegistration(policy: PodPolicy): KindRegistration<Job> {
  return {
    strategy: makeStrategy(policy),
    table,
    subresources: { status },
    fieldLabels: {
      supported: ['metadata.name', 'metadata.namespace', 'status.successful'],
      unsupported: (label) => `field label ${JSON.stringify(label)} not supported for Job`,
    },
  };
}
