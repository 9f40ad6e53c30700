import type { VolumeAttachment } from '@keelson/api/generated/types/storage/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { status, strategy } from './strategy.ts';

export const registration: KindRegistration<VolumeAttachment> = { strategy, table, subresources: { status } };
