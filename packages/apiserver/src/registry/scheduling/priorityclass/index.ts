import type { PriorityClass } from '@keelson/api/generated/types/scheduling/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<PriorityClass> = { strategy, table };
