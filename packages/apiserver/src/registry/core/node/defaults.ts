import type { Node } from '@keelson/api/generated/types/core/v1';
import { roundToMilli } from '@keelson/api/resources/list';

/** Also aligns podCIDR with podCIDRs, as upstream does when it converts from v1: the older field wins. */
export function defaults({ spec, status }: Node): void {
  if (spec.podCIDR && spec.podCIDRs?.[0] !== spec.podCIDR) spec.podCIDRs = [spec.podCIDR];
  if (!spec.podCIDR && spec.podCIDRs?.[0]) spec.podCIDR = spec.podCIDRs[0];
  if (status.capacity && !status.allocatable) status.allocatable = { ...status.capacity };
  roundToMilli(status.capacity);
  roundToMilli(status.allocatable);
}
