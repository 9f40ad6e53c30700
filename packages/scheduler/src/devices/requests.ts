import type {
  DeviceClass,
  DeviceRequest,
  DeviceSubRequest,
  DeviceTaint,
  DeviceToleration,
  ExactDeviceRequest,
  ResourceClaim,
} from '@keelson/api/generated/types/resource/v1';
import { tolerates } from '@keelson/api/resources/tolerations';
import type { Asked } from './capacity.ts';

/** What a request wants, or one of the alternatives that will do. */
export interface Wanted {
  /** As results and configurations name it: `request`, or `request/alternative`. */
  readonly name: string;
  /** The request, for an alternative. */
  readonly parent: string | undefined;
  readonly className: string;
  /** As many as there are, when absent. */
  readonly count: number | undefined;
  /** Devices that belong to others do as well. */
  readonly admin: boolean | undefined;
  readonly expressions: readonly string[];
  readonly tolerations: readonly DeviceToleration[] | undefined;
  readonly capacity: Asked;
}

export type Classes = (name: string) => DeviceClass | undefined;

/** For each request what will do, best first. */
export function wantedBy({ spec }: ResourceClaim): Wanted[][] {
  return (spec.devices?.requests ?? []).map(alternatives);
}

function alternatives({ name, exactly, firstAvailable = [] }: DeviceRequest): Wanted[] {
  if (exactly) return [wanted(exactly, name, undefined, exactly.adminAccess)];
  return firstAvailable.map((each) => wanted(each, `${name}/${each.name}`, name, undefined));
}

function wanted(
  request: ExactDeviceRequest | DeviceSubRequest,
  name: string,
  parent: string | undefined,
  admin: boolean | undefined,
): Wanted {
  const { deviceClassName: className, selectors = [], allocationMode, count = 1, tolerations, capacity } = request;
  return {
    name,
    parent,
    className,
    count: allocationMode === 'All' ? undefined : count,
    admin,
    expressions: selectors.map(({ cel }) => cel!.expression),
    tolerations,
    capacity: capacity?.requests,
  };
}

/** Taints that have another effect, or none, keep nobody off. */
export function isKeptOff(taints: readonly DeviceTaint[] | undefined, { tolerations = [] }: Wanted): boolean {
  return (taints ?? []).some(
    (taint) =>
      (taint.effect === 'NoSchedule' || taint.effect === 'NoExecute') &&
      !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}
