import type { ComponentStatus } from '@keelson/api/generated/types/core/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';

/** Nothing is stored of it: the server answers with what it finds. */
export const registration: KindRegistration<ComponentStatus> = { strategy: {}, table };
