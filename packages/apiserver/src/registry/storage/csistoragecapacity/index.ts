import type { CSIStorageCapacity } from '@keelson/api/generated/types/storage/v1';
import type { KindRegistration } from '../../strategy.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<CSIStorageCapacity> = { strategy };
