import type { Endpoints } from '@keelson/api/generated/types/core/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<Endpoints> = { strategy, table };
