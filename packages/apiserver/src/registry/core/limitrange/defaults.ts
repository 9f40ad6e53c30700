import type { LimitRange } from '@keelson/api/generated/types/core/v1';
import { roundToMilli, withMissing } from '@keelson/api/resources/list';

export function defaults({ spec }: LimitRange): void {
  for (const item of spec.limits ?? []) {
    if (item.type === 'Container') {
      const limits = withMissing(item.default, item.max ?? {});
      const requests = withMissing(withMissing(item.defaultRequest, limits), item.min ?? {});
      if (Object.keys(limits).length > 0) item.default = limits;
      if (Object.keys(requests).length > 0) item.defaultRequest = requests;
    }
    for (const list of [item.max, item.min, item.default, item.defaultRequest, item.maxLimitRequestRatio])
      roundToMilli(list);
  }
}
