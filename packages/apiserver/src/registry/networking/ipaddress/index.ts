import type { IPAddress } from '@keelson/api/generated/types/networking/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<IPAddress> = { strategy, table };
