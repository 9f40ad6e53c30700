import type { PersistentVolume } from '@keelson/api/generated/types/core/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { status, strategy } from './strategy.ts';

export const registration: KindRegistration<PersistentVolume> = { strategy, table, subresources: { status } };
