import type { ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import type { IsEnabled } from '../../../gates.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { makeStrategy, status } from './strategy.ts';

export function makeServiceCIDRRegistration(isEnabled: IsEnabled): KindRegistration<ServiceCIDR> {
  return { strategy: makeStrategy(isEnabled), table, subresources: { status } };
}
