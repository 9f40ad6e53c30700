import type { PriorityLevelConfiguration } from '@keelson/api/generated/types/flowcontrol/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { KindRegistration, TableConvertor } from '../../strategy.ts';
import { status, strategy } from './strategy.ts';

const table: TableConvertor<PriorityLevelConfiguration> = {
  columns: [
    nameColumn,
    column('Type', 'string', 'flowcontrol.v1.PriorityLevelConfigurationSpec.type'),
    column(
      'NominalConcurrencyShares',
      'string',
      'flowcontrol.v1.LimitedPriorityLevelConfiguration.nominalConcurrencyShares',
    ),
    column('Queues', 'string', 'flowcontrol.v1.QueuingConfiguration.queues'),
    column('HandSize', 'string', 'flowcontrol.v1.QueuingConfiguration.handSize'),
    column('QueueLengthLimit', 'string', 'flowcontrol.v1.QueuingConfiguration.queueLengthLimit'),
    ageColumn,
  ],
  row(obj) {
    const { limited } = obj.spec;
    const queuing = limited?.limitResponse.queuing;
    return {
      cells: [
        obj.metadata.name ?? '',
        obj.spec.type,
        limited?.nominalConcurrencyShares ?? '<none>',
        queuing?.queues ?? '<none>',
        queuing?.handSize ?? '<none>',
        queuing?.queueLengthLimit ?? '<none>',
        age(obj),
      ],
    };
  },
};

export const registration: KindRegistration<PriorityLevelConfiguration> = { strategy, table, subresources: { status } };
