import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AllocationResult, ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { storeKey } from '@keelson/client';
import type { DynamicResourcesArgs } from '../config/types.ts';
import { ClaimBinding, type PodClaim, podClaim, type Reserved } from '../devices/claim-binding.ts';
import { byResource, claimLeftOver, deviceResources, unwrittenClaim } from '../devices/extended-resources.ts';
import { type Given, NodeDevices } from '../devices/node-devices.ts';
import { offered, whyDisabled } from '../devices/offers.ts';
import { claimsOf, isReservedFor } from '../devices/pod-claims.ts';
import { Pools } from '../devices/pools.ts';
import { isLate, readinessOf } from '../devices/readiness.ts';
import { deallocate, remove, unreserve } from '../devices/reservation.ts';
import { Selectors } from '../devices/selectors.ts';
import { ClaimTracker } from '../devices/tracker.ts';
import { Action, clusterEvent } from '../framework/events.ts';
import { type Plugin, type PluginContext, SKIP } from '../framework/plugin.ts';
import { UNSIGNABLE } from '../framework/signature.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import { scaleToMax } from './normalize.ts';

const name = 'DynamicResources';
const unavailable = unresolvable(name, 'resourceclaim not available on the node');
const notEnough = unresolvable(name, 'cannot allocate all claims');
const leftBehind = unresolvable(name, 'cannot schedule extended resource claim');

/** A search blocks everything else in the process: what upstream may do in a millisecond counts as so many devices tried. */
const STEPS_PER_MS = 10;
/** What the first of several alternatives is worth; those that come later are worth less. */
const BEST_ALTERNATIVE = 8;

const NOTHING: Given = { allocations: [], extended: undefined };

interface State extends Reserved {
  /** Those that have no devices yet. */
  readonly open: readonly PodClaim[];
  readonly devices: NodeDevices | undefined;
  /** A claim for extended resources of an earlier cycle: it goes before there is another one. */
  readonly leftOver: ResourceClaim | undefined;
  /** What would be given, by node. */
  readonly byNode: Map<string, Given>;
  /** Have devices that some node cannot reach. */
  readonly unavailable: Set<PodClaim>;
}

/** Nodes from which the devices that the pod claims can be reached, or on which there are such; then reserves them. */
export function dynamicResources(
  args: DynamicResourcesArgs,
  { profile, listers, world, writer, isEnabled }: PluginContext,
): Plugin<State, State> {
  const tracker = ClaimTracker.of(listers('resourceclaims.resource.k8s.io'));
  const classes = listers('deviceclasses.resource.k8s.io');
  const extended = byResource(classes, isEnabled);
  const triesLong = args.filterTimeoutMs === 0 || !isEnabled('DRASchedulerFilterTimeout');
  const slices = listers('resourceslices.resource.k8s.io');
  const { bindingTimeoutMs } = args;
  const selectors = new Selectors();
  const claimsFor = ({ pod }: PodInfo) => claimsOf(pod, (key) => tracker.get(key));
  const claimsIn = (namespace: string) => listers('resourceclaims.resource.k8s.io').list(namespace);
  const isStuck = (claim: ResourceClaim) =>
    typeof readinessOf(claim) === 'object' ||
    (readinessOf(claim) === 'waiting' && isLate(claim, world.clock.now(), bindingTimeoutMs));
  const later = (what: Promise<void>, why: string) =>
    void what.catch((error: unknown) => world.log.warn({ error }, why));
  const awaitsDrivers = isEnabled('DRADeviceBindingConditions');
  const binding = writer && new ClaimBinding({ tracker, world, writer, profile, bindingTimeoutMs, awaitsDrivers });

  return {
    name,
    sign: ({ pod, requests }) =>
      pod.spec.resourceClaims?.length || deviceResources(requests, extended) ? UNSIGNABLE : {},
    preEnqueue(pod) {
      const claims = claimsFor(pod);
      return typeof claims === 'string' ? unresolvable(name, claims) : undefined;
    },
    preFilter(pod) {
      const found = claimsFor(pod);
      if (typeof found === 'string') return unresolvable(name, found);
      const resources = deviceResources(pod.requests, extended);
      if (found.length === 0 && !resources) return SKIP;
      const claims = found.map(podClaim);
      const open = claims.filter(({ claim }) => !claim.status?.allocation);
      for (const { claim } of open) {
        const pending = tracker.isPending(claim);
        const problem = pending
          ? `resource claim ${storeKey(claim)} is in the process of being allocated`
          : (whyDisabled(claim, isEnabled) ?? missingClass(claim, (each) => classes.get(each) !== undefined));
        if (problem) return unresolvable(name, problem);
      }
      const search = open.length > 0 || resources !== undefined;
      const devices = search
        ? new NodeDevices(
            pod,
            open.map(({ claim }) => claim),
            resources && { resources, claim: unwrittenClaim(pod.pod, randomUUID()) },
            {
              classes: (each) => classes.get(each),
              pools: new Pools(offered(slices.values(), isEnabled)),
              allocated: tracker.allocated(),
              selectors,
              steps: triesLong ? Number.POSITIVE_INFINITY : args.filterTimeoutMs * STEPS_PER_MS,
            },
          )
        : undefined;
      const leftOver = resources && claimLeftOver(pod.pod, claimsIn(pod.namespace));
      const chosen = { extended: undefined, written: undefined };
      return { state: { claims, open, devices, leftOver, byNode: new Map(), unavailable: new Set(), ...chosen } };
    },
    filter(_, info, state) {
      if (state.leftOver) return leftBehind;
      const { node, name: nodeName } = info;
      const given = state.devices?.on(info) ?? NOTHING;
      if (given === 'none') return notEnough;
      if (typeof given === 'string') return unresolvable(name, given);
      let isAvailable = true;
      for (const each of state.claims) {
        const { claim, reachable } = each;
        if (!claim.status?.allocation) continue;
        if ((!reachable || reachable(node!)) && !isStuck(claim)) continue;
        state.unavailable.add(each);
        isAvailable = false;
      }
      if (!isAvailable) return unavailable;
      state.byNode.set(nodeName, given);
      return undefined;
    },
    postFilter({ pod }, cycle) {
      if (!cycle.wasAsked(name)) throw new Error('not found');
      const state = cycle.stateOf(name) as State | undefined;
      if (!state) return { rejection: unschedulable(name, 'no new claims to deallocate') };
      for (const { claim } of state.unavailable) {
        const { reservedFor = [] } = claim.status!;
        if (reservedFor.some(({ uid }) => uid !== pod.metadata.uid)) continue;
        if (writer) later(deallocate(writer.client, claim), 'A claim could not be deallocated');
        return { rejection: unschedulable(name, 'deallocation of ResourceClaim completed') };
      }
      if (state.leftOver) {
        if (writer) later(remove(writer.client, state.leftOver), 'A claim for extended resources could not be deleted');
        return { rejection: unschedulable(name, 'deletion of ResourceClaim completed') };
      }
      return { rejection: unschedulable(name, 'still not schedulable') };
    },

    preScore: (_, __, state) => (state ? { state } : SKIP),
    score: (_, { name: nodeName }, { open, claims, byNode }) => {
      const found = byNode.get(nodeName);
      if (!found) return 0;
      let score = 0;
      for (const each of claims)
        score += worthOf(each.claim, each.claim.status?.allocation ?? found.allocations[open.indexOf(each)]!);
      return score;
    },
    normalize: (scores) => scaleToMax(scores),

    reserve(_, nodeName, state) {
      if (!state?.devices) return undefined;
      const given = state.byNode.get(nodeName);
      if (!given) throw new Error('claim allocation not found for node');
      for (const [i, each] of state.open.entries()) {
        each.allocation = given.allocations[i]!;
        const { claim, allocation } = each;
        tracker.setAside({ ...claim, status: { ...claim.status, allocation } });
      }
      state.extended = given.extended;
      if (given.extended) {
        const { claim, allocation } = given.extended;
        tracker.setAside({ ...claim, status: { allocation } });
      }
      return undefined;
    },
    unreserve({ pod }, _, state) {
      for (const { claim, allocation } of state?.claims ?? []) {
        if (allocation) tracker.release(claim);
        if (!claim.status?.allocation || !isReservedFor(claim, pod)) continue;
        later(unreserve(writer!.client, claim, pod), 'A claim could not be taken from a pod');
      }
      if (state?.extended) tracker.release(state.extended.claim);
      if (!state?.written) return;
      later(remove(writer!.client, state.written), 'A claim for extended resources could not be deleted');
    },
    hasPreBind: (_, __, state) => state !== undefined && (state.claims.length > 0 || state.extended !== undefined),
    async preBind({ pod }, nodeName, state, signal) {
      await binding!.bind(pod, nodeName, state!, signal);
      return undefined;
    },

    events: () => [
      { event: clusterEvent('Node', Action.add | Action.nodeLabel | Action.nodeAllocatable) },
      {
        event: clusterEvent('resource.k8s.io/ResourceClaim', Action.add | Action.update),
        helps(pod, old, now) {
          const claims = claimsFor(pod);
          if (typeof claims === 'string') return false;
          const [before, after] = [old as ResourceClaim | undefined, now as ResourceClaim];
          if (before?.status?.allocation && !after.status?.allocation) return true;
          if (!claims.some(({ metadata }) => metadata.uid === after.metadata.uid)) return false;
          return !before || !isDeepStrictEqual(before.status, after.status);
        },
      },
      {
        event: clusterEvent('Pod', Action.podGeneratedClaim),
        helps: ({ pod }, _, now) =>
          pod.metadata.uid === now!.metadata.uid &&
          typeof claimsOf(now as typeof pod, (key) => tracker.get(key)) !== 'string',
      },
      { event: clusterEvent('resource.k8s.io/DeviceClass', Action.add | Action.update) },
      { event: clusterEvent('resource.k8s.io/ResourceSlice', Action.add | Action.update) },
    ],
  };
}

function missingClass({ spec }: ResourceClaim, exists: (name: string) => boolean): string | undefined {
  for (const { name: request, exactly, firstAvailable = [] } of spec.devices.requests ?? []) {
    const wanted = exactly
      ? [[request, exactly.deviceClassName] as const]
      : firstAvailable.map((each) => [`${request}/${each.name}`, each.deviceClassName] as const);
    for (const [which, className] of wanted)
      if (!exists(className)) return `request ${which}: device class ${className} does not exist`;
  }
  return undefined;
}

/** Of requests that have alternatives, those that come first are worth more. */
function worthOf({ spec }: ResourceClaim, { devices }: AllocationResult): number {
  const got = new Set((devices.results ?? []).map(({ request }) => request));
  let worth = 0;
  for (const { name: request, firstAvailable = [] } of spec.devices.requests ?? []) {
    for (const [i, each] of firstAvailable.entries())
      if (got.has(`${request}/${each.name}`)) worth += BEST_ALTERNATIVE - i;
  }
  return worth;
}
