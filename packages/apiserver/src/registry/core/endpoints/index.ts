import type { Endpoints } from '@keelson/api/generated/types/core/v1';
import type { IsEnabled } from '../../../gates.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { makeStrategy } from './strategy.ts';

export function makeEndpointsRegistration(isEnabled: IsEnabled): KindRegistration<Endpoints> {
  return { strategy: makeStrategy(isEnabled), table };
}
