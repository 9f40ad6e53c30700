import type { ControllerRevision } from '@keelson/api/generated/types/apps/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<ControllerRevision> = { strategy, table };
