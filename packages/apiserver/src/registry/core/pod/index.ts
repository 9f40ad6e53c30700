import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { makeStrategy } from './strategy.ts';
import type { PodPolicy } from './validation/options.ts';
import { makeViews } from './views.ts';

export function makePodRegistration(policy: PodPolicy): KindRegistration<Pod> {
  return {
    strategy: makeStrategy(policy),
    table,
    subresources: makeViews(policy),
    fieldLabels: {
      supported: [
        'metadata.name',
        'metadata.namespace',
        'spec.nodeName',
        'spec.host',
        'spec.restartPolicy',
        'spec.schedulerName',
        'spec.serviceAccountName',
        'spec.hostNetwork',
        'status.phase',
        'status.podIP',
        'status.podIPs',
        'status.nominatedNodeName',
      ],
      aliases: { 'spec.host': 'spec.nodeName' },
    },
  };
}
