import type { HorizontalPodAutoscaler } from '@keelson/api/generated/types/autoscaling/v2';
import type { IsEnabled } from '../../../gates.ts';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { ROUND_TRIP, v1 } from './conversion.ts';
import { makeStrategy, status } from './strategy.ts';

export function makeHorizontalPodAutoscalerRegistration(
  isEnabled: IsEnabled,
): KindRegistration<HorizontalPodAutoscaler> {
  return {
    strategy: makeStrategy(isEnabled),
    table,
    subresources: { status },
    storedAs: { group: 'autoscaling', version: 'v2' },
    conversions: { v1 },
    fieldAnnotations: ROUND_TRIP,
  };
}
