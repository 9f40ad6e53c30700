import type { LeaseCandidate } from '@keelson/api/generated/types/coordination/v1beta1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<LeaseCandidate> = { strategy, table };
