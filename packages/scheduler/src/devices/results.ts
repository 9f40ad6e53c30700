import { isDeepStrictEqual } from 'node:util';
import type { NodeSelector, NodeSelectorRequirement } from '@keelson/api/generated/types/core/v1';
import type {
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceClass,
  DeviceRequestAllocationResult,
  ResourceClaim,
} from '@keelson/api/generated/types/resource/v1';
import type { Amounts } from './capacity.ts';
import type { Candidate } from './pools.ts';
import type { Classes, Wanted } from './requests.ts';

/** A device that a claim gets. */
export interface Chosen {
  readonly wanted: Wanted;
  readonly candidate: Candidate;
  /** What it gets of a device that others may have, too, and how its part is called. */
  readonly share: { readonly id: string; readonly amounts: Amounts } | undefined;
}

/** @param wanted for each request of the claim what it got */
export function resultOf(
  claim: ResourceClaim,
  wanted: readonly Wanted[],
  chosen: readonly Chosen[],
  nodeName: string,
  classes: Classes,
): AllocationResult {
  const config = [...configOfClasses(wanted, classes), ...configOfClaim(claim, wanted)];
  const nodeSelector = nodesOf(chosen, nodeName);
  return {
    devices: { results: chosen.map(deviceResult), ...(config.length > 0 ? { config } : {}) },
    ...(nodeSelector ? { nodeSelector } : {}),
  };
}

function deviceResult({ wanted, candidate, share }: Chosen): DeviceRequestAllocationResult {
  const { device, slice } = candidate;
  const { bindingConditions, bindingFailureConditions } = device;
  return {
    request: wanted.name,
    driver: slice.spec.driver,
    pool: slice.spec.pool.name,
    device: device.name,
    ...(wanted.admin ? { adminAccess: true } : {}),
    ...(wanted.tolerations ? { tolerations: wanted.tolerations } : {}),
    ...(bindingConditions ? { bindingConditions } : {}),
    ...(bindingFailureConditions ? { bindingFailureConditions } : {}),
    ...(share ? { shareID: share.id } : {}),
    ...(share && share.amounts.size > 0 ? { consumedCapacity: texts(share.amounts) } : {}),
  } as DeviceRequestAllocationResult;
}

function texts(amounts: Amounts): Record<string, string> {
  return Object.fromEntries(Array.from(amounts, ([name, amount]) => [name, amount.toString()]));
}

/** That of a class stands there once, for all requests of the class. */
function configOfClasses(wanted: readonly Wanted[], classes: Classes): DeviceAllocationConfiguration[] {
  const requests = new Map<DeviceClass, string[]>();
  for (const { name, className } of wanted) {
    const deviceClass = classes(className)!;
    requests.set(deviceClass, [...(requests.get(deviceClass) ?? []), name]);
  }
  return [...requests].flatMap(([{ spec }, names]) =>
    (spec.config ?? []).map((each) => ({ source: 'FromClass', requests: names, ...each })),
  );
}

function configOfClaim({ spec }: ResourceClaim, wanted: readonly Wanted[]): DeviceAllocationConfiguration[] {
  const names = new Set(wanted.flatMap(({ name, parent }) => (parent === undefined ? [name] : [name, parent])));
  return (spec.devices?.config ?? [])
    .filter(({ requests = [] }) => requests.length === 0 || requests.some((each) => names.has(each)))
    .map((each) => ({ source: 'FromClaim', ...each }));
}

/** From where all the devices can be reached; `undefined` when that is everywhere. */
function nodesOf(chosen: readonly Chosen[], nodeName: string): NodeSelector | undefined {
  const matchFields: NodeSelectorRequirement[] = [];
  const matchExpressions: NodeSelectorRequirement[] = [];
  for (const { device, slice } of chosen.map(({ candidate }) => candidate)) {
    const place = slice.spec.perDeviceNodeSelection ? device : slice.spec;
    if (place.nodeName || device.bindsToNode) {
      const named = { key: 'metadata.name', operator: 'In', values: [nodeName] };
      return { nodeSelectorTerms: [{ matchFields: [named] }] };
    }
    const [term] = place.nodeSelector?.nodeSelectorTerms ?? [];
    addNew(matchFields, term?.matchFields);
    addNew(matchExpressions, term?.matchExpressions);
  }
  if (matchFields.length + matchExpressions.length === 0) return undefined;
  const term = {
    ...(matchExpressions.length > 0 ? { matchExpressions } : {}),
    ...(matchFields.length > 0 ? { matchFields } : {}),
  };
  return { nodeSelectorTerms: [term] };
}

function addNew(all: NodeSelectorRequirement[], more: readonly NodeSelectorRequirement[] = []): void {
  for (const each of more) if (!all.some((known) => isDeepStrictEqual(known, each))) all.push(each);
}
