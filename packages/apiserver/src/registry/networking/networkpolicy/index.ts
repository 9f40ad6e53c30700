import type { NetworkPolicy } from '@keelson/api/generated/types/networking/v1';
import type { IsEnabled } from '../../../gates.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { makeStrategy } from './strategy.ts';

export function makeNetworkPolicyRegistration(isEnabled: IsEnabled): KindRegistration<NetworkPolicy> {
  return { strategy: makeStrategy(isEnabled), table };
}
