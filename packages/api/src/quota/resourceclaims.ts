/** What claims for devices use of a quota (pkg/quota/v1/evaluator/core/resource_claims.go). */
import type { DeviceClass, DeviceRequest, ResourceClaim } from '../generated/types/resource/v1.ts';
import { Quantity } from '../quantity.ts';
import { millisOf } from '../time.ts';
import { type Amounts, ONE, ZERO } from './amounts.ts';
import { countName, type Evaluator, type QuotaObjects } from './evaluator.ts';
import { DEVICE_CLASS, isExtendedQuotaName, podUsage } from './pods.ts';

const COUNT = countName({ group: 'resource.k8s.io', resource: 'resourceclaims' });
/** `gpu.deviceclass.resource.k8s.io/devices` */
const BY_CLASS = '.deviceclass.resource.k8s.io/devices';
const REQUESTS = 'requests.';
const MOST_DEVICES = 32;
/** On claims that stand for what a pod's containers request. */
const FOR_EXTENDED_RESOURCES = 'resource.kubernetes.io/extended-resource-claim';

/** @param countsExtended whether devices count under the names that containers request them with too (gate `DRAExtendedResource`) */
export function resourceClaimEvaluator(objects: QuotaObjects, now: () => Date, countsExtended: boolean): Evaluator {
  async function usage(claim: ResourceClaim): Promise<Amounts> {
    const used = new Map([[COUNT, ONE]]);
    for (const request of claim.spec?.devices?.requests ?? [])
      for (const [name, amount] of devicesOf(request)) used.set(name, used.get(name)?.add(amount) ?? amount);
    if (!countsExtended) return used;
    const byExtendedName = extendedUsage(used, await objects.deviceClasses());
    if (byExtendedName.size === 0) return used;
    const counted = await usageOfPod(claim);
    for (const [name, amount] of byExtendedName) {
      const rest = amount.sub(counted.get(name) ?? ZERO);
      if (rest.sign() > 0) used.set(name, rest);
    }
    return used;
  }

  /** The usage of the pod that the claim was made for, which is counted already. */
  async function usageOfPod({ metadata }: ResourceClaim): Promise<Amounts> {
    const { name, namespace = '', annotations, ownerReferences, creationTimestamp } = metadata;
    const owner = ownerReferences?.find((o) => o.controller);
    const nothing: Amounts = new Map();
    if (annotations?.[FOR_EXTENDED_RESOURCES] !== 'true' || owner?.kind !== 'Pod' || owner.apiVersion !== 'v1')
      return nothing;
    const pod = await objects.pod(namespace, owner.name);
    if (!pod || pod.metadata.uid !== owner.uid) return nothing;
    const known = pod.status?.extendedResourceClaimStatus?.resourceClaimName;
    if (known !== undefined) return known === name ? podUsage(pod, now()) : nothing;
    const age = (time: string | null | undefined) => (time ? millisOf(time) : 0);
    const earlier = (await objects.resourceClaims(namespace)).some(
      ({ metadata: other }) =>
        other.annotations?.[FOR_EXTENDED_RESOURCES] === 'true' &&
        other.ownerReferences?.find((o) => o.controller)?.uid === owner.uid &&
        (age(other.creationTimestamp) < age(creationTimestamp) ||
          (age(other.creationTimestamp) === age(creationTimestamp) && (other.name ?? '') < (name ?? ''))),
    );
    return earlier ? nothing : podUsage(pod, now());
  }

  return {
    handles: ({ operation, subresource }) => subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
    async counts(name) {
      if (name === COUNT || name.endsWith(BY_CLASS)) return true;
      if (!countsExtended || !isExtendedQuotaName(name)) return false;
      const resource = name.slice(REQUESTS.length);
      return (await objects.deviceClasses()).some(
        ({ metadata, spec }) =>
          spec?.extendedResourceName === resource || `${DEVICE_CLASS}${metadata.name}` === resource,
      );
    },
    usage: (object) => usage(object as ResourceClaim),
  };
}

/** The same devices under the names that containers request them with. */
function extendedUsage(used: Amounts, classes: readonly DeviceClass[]): Amounts {
  const usage = new Map<string, Quantity>();
  for (const [name, amount] of used) {
    if (!name.endsWith(BY_CLASS) || name === BY_CLASS) continue;
    const className = name.slice(0, -BY_CLASS.length);
    usage.set(`${REQUESTS}${DEVICE_CLASS}${className}`, amount);
    const extended = classes.find((c) => c.metadata.name === className)?.spec?.extendedResourceName;
    if (extended) usage.set(REQUESTS + extended, amount);
  }
  return usage;
}

/** By class; of alternatives the most that could be taken of each. */
function devicesOf({ exactly, firstAvailable = [] }: DeviceRequest): Amounts {
  const alternatives = firstAvailable.length > 0 ? firstAvailable : exactly ? [exactly] : [];
  const most = new Map<string, Quantity>();
  for (const { deviceClassName, allocationMode, count = 0 } of alternatives) {
    const devices = allocationMode === 'ExactCount' ? count : allocationMode === 'All' ? MOST_DEVICES : 0;
    const name = deviceClassName + BY_CLASS;
    const amount = Quantity.of(devices);
    const known = most.get(name);
    if (!known || amount.cmp(known) > 0) most.set(name, amount);
  }
  return most;
}
