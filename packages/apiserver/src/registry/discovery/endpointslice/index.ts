import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import type { IsEnabled } from '../../../gates.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { makeStrategy } from './strategy.ts';

export function makeEndpointSliceRegistration(isEnabled: IsEnabled): KindRegistration<EndpointSlice> {
  return { strategy: makeStrategy(isEnabled), table };
}
