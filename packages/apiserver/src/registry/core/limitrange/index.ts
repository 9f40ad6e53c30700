import type { LimitRange } from '@keelson/api/generated/types/core/v1';
import type { KindRegistration } from '../../strategy.ts';
import { limitRangeStrategy } from './strategy.ts';

export const registration: KindRegistration<LimitRange> = { strategy: limitRangeStrategy() };
