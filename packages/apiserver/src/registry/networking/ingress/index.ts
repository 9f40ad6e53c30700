import type { Ingress } from '@keelson/api/generated/types/networking/v1';
import type { IsEnabled } from '../../../gates.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { makeStatus, makeStrategy } from './strategy.ts';

export function makeIngressRegistration(isEnabled: IsEnabled): KindRegistration<Ingress> {
  return { strategy: makeStrategy(isEnabled), table, subresources: { status: makeStatus(isEnabled) } };
}
