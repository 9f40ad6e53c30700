import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<EndpointSlice> = { strategy, table };
