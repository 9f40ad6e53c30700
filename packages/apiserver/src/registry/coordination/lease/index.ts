import type { Lease } from '@keelson/api/generated/types/coordination/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<Lease> = { strategy, table };
