import type { CSIDriver } from '@keelson/api/generated/types/storage/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<CSIDriver> = { strategy, table };
