import type { PodDisruptionBudget } from '@keelson/api/generated/types/policy/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { v1beta1 } from './conversion.ts';
import { status, strategy } from './strategy.ts';

export const registration: KindRegistration<PodDisruptionBudget> = {
  strategy,
  table,
  subresources: { status },
  conversions: { v1beta1 },
};
