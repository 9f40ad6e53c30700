import type { FlowSchema } from '@keelson/api/generated/types/flowcontrol/v1';
import { age, ageColumn, column, nameColumn } from '../../columns.ts';
import type { KindRegistration, TableConvertor } from '../../strategy.ts';
import { status, strategy } from './strategy.ts';

const table: TableConvertor<FlowSchema> = {
  columns: [
    nameColumn,
    column('PriorityLevel', 'string', 'flowcontrol.v1.PriorityLevelConfigurationReference.name'),
    column('MatchingPrecedence', 'string', 'flowcontrol.v1.FlowSchemaSpec.matchingPrecedence'),
    column('DistinguisherMethod', 'string', 'flowcontrol.v1.FlowSchemaSpec.distinguisherMethod'),
    ageColumn,
    column('MissingPL', 'string', 'references a broken or non-existent PriorityLevelConfiguration'),
  ],
  row: (obj) => ({
    cells: [
      obj.metadata.name ?? '',
      obj.spec.priorityLevelConfiguration.name,
      obj.spec.matchingPrecedence,
      obj.spec.distinguisherMethod?.type ?? '<none>',
      age(obj),
      obj.status.conditions?.find((c) => c.type === 'Dangling')?.status ?? '?',
    ],
  }),
};

export const registration: KindRegistration<FlowSchema> = { strategy, table, subresources: { status } };
