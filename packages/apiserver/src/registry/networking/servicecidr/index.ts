import type { ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { status, strategy } from './strategy.ts';

export const registration: KindRegistration<ServiceCIDR> = { strategy, table, subresources: { status } };
