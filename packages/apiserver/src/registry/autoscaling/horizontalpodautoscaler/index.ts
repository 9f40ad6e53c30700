import type { HorizontalPodAutoscaler } from '@keelson/api/generated/types/autoscaling/v2';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { ROUND_TRIP, v1 } from './conversion.ts';
import { status, strategy } from './strategy.ts';

export const registration: KindRegistration<HorizontalPodAutoscaler> = {
  strategy,
  table,
  subresources: { status },
  conversions: { v1 },
  fieldAnnotations: ROUND_TRIP,
};
