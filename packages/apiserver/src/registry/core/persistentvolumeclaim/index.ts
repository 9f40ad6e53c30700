import type { PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { status, strategy } from './strategy.ts';

export const registration: KindRegistration<PersistentVolumeClaim> = { strategy, table, subresources: { status } };
