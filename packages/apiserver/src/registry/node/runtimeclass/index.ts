import type { RuntimeClass } from '@keelson/api/generated/types/node/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<RuntimeClass> = { strategy, table };
