import type { Namespace } from '@keelson/api/generated/types/core/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { finalize, status, strategy } from './strategy.ts';

export const registration: KindRegistration<Namespace> = {
  strategy,
  table,
  subresources: { status, finalize },
  isItsOwnNamespace: true,
  fieldLabels: { supported: ['metadata.name', 'status.phase'] },
};
