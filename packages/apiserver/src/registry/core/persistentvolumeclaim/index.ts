import type { PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import type { IsEnabled } from '../../../gates.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { makeStatus, makeStrategy } from './strategy.ts';

export function makePersistentVolumeClaimRegistration(isEnabled: IsEnabled): KindRegistration<PersistentVolumeClaim> {
  return { strategy: makeStrategy(isEnabled), table, subresources: { status: makeStatus(isEnabled) } };
}
