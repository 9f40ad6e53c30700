import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { status, strategy } from './strategy.ts';

export const registration: KindRegistration<APIService> = {
  strategy,
  table,
  subresources: { status },
  storedAsJson: true,
};
