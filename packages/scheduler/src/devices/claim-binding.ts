/**
 * What was reserved for a pod, written before it is bound (dynamicresources.go, PreBind):
 *
 *     claims: allocation, the pod among those they are reserved for ─▶ a claim for extended resources, told in the pod's status
 *       ─▶ where devices have conditions: their drivers prepare them ─▶ bound
 */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { AllocationResult, ResourceClaim } from '@keelson/api/generated/types/resource/v1';
import { compileNodeSelector, type NodePredicate } from '@keelson/api/resources/node-selector';
import { sleep, storeKey, type World } from '@keelson/client';
import { patchPodStatus } from '../cycle/pod-status.ts';
import type { AwaitedStatus, Writer } from '../framework/plugin.ts';
import { toWrite } from './extended-resources.ts';
import type { GivenExtended } from './node-devices.ts';
import { isReservedFor } from './pod-claims.ts';
import { hasBindingConditions, isLate, readinessOf } from './readiness.ts';
import { reserve } from './reservation.ts';
import type { ClaimTracker } from './tracker.ts';

const READINESS_PERIOD_MS = 5000;
/** How long a claim that was just made is waited for, and how often it is looked for. */
const SEEN_WITHIN_MS = 120_000;
const SEEN_PERIOD_MS = 100;

export interface PodClaim {
  claim: ResourceClaim;
  /** From where its devices can be reached, when it has them. */
  readonly reachable: NodePredicate | undefined;
  /** What it gets on the node that was chosen. */
  allocation: AllocationResult | undefined;
}

export function podClaim(claim: ResourceClaim): PodClaim {
  const nodes = claim.status?.allocation?.nodeSelector;
  return { claim, reachable: nodes && compileNodeSelector(nodes), allocation: undefined };
}

/** What a pod has on the node that was chosen for it. */
export interface Reserved {
  readonly claims: readonly PodClaim[];
  /** For extended resources, … */
  extended: GivenExtended | undefined;
  /** … and the claim for them, as soon as it is written. */
  written: ResourceClaim | undefined;
}

interface Options {
  readonly tracker: ClaimTracker;
  readonly world: World;
  readonly writer: Writer;
  readonly profile: string;
  readonly bindingTimeoutMs: number;
  /** Whether devices may have conditions that their drivers fulfil first. */
  readonly awaitsDrivers: boolean;
}

export class ClaimBinding {
  readonly #options: Options;

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * @param reserved its claims become what was written
   * @throws StatusError of a write; Error where devices are not prepared, or not in time; the signal's reason
   */
  async bind(pod: Pod, nodeName: string, reserved: Reserved, signal: AbortSignal): Promise<void> {
    const { tracker, writer, awaitsDrivers } = this.#options;
    const { claims } = reserved;
    for (const each of claims) {
      const { claim, allocation } = each;
      if (isReservedFor(claim, pod)) continue;
      try {
        each.claim = await reserve(writer.client, claim, allocation, pod, signal);
        tracker.wrote(each.claim);
      } finally {
        if (allocation) tracker.release(claim);
      }
    }
    if (reserved.extended) await this.#writeExtended(reserved, reserved.extended, pod, signal);
    const all = reserved.written ? [...claims, podClaim(reserved.written)] : claims;
    if (!awaitsDrivers || !all.some(({ claim }) => hasBindingConditions(claim))) return;
    const message = `waiting for binding conditions for device on node ${nodeName}`;
    writer.recorder.event(pod, 'Normal', 'BindingConditionsPending', message, { action: 'Scheduling' });
    await this.#prepared(all, signal);
  }

  /** The devices stay set aside until the informer sees the claim that has them. */
  async #writeExtended(reserved: Reserved, extended: GivenExtended, pod: Pod, signal: AbortSignal): Promise<void> {
    const { writer, world } = this.#options;
    const { client } = writer;
    const { claim, allocation, mappings: requestMappings } = extended;
    const created = client.resource('resourceclaims.resource.k8s.io').create(toWrite(claim), { signal });
    created.then(
      () => writer.claimCreated(true),
      () => writer.claimCreated(false),
    );
    reserved.written = await created;
    const written = await reserve(client, reserved.written, allocation, pod, signal);
    reserved.written = written;
    this.#releaseWhenSeen(claim, storeKey(written)).catch((error: unknown) =>
      world.log.warn({ error }, 'A claim for extended resources was not seen'),
    );
    const extendedResourceClaimStatus = { requestMappings, resourceClaimName: written.metadata.name! };
    await patchPodStatus(client, pod, { extendedResourceClaimStatus }, signal);
  }

  async #releaseWhenSeen(claim: ResourceClaim, key: string): Promise<void> {
    const { tracker, world } = this.#options;
    for (let waited = 0; waited < SEEN_WITHIN_MS && tracker.isPending(claim); waited += SEEN_PERIOD_MS) {
      if (tracker.get(key)?.status?.allocation) break;
      await sleep(world.clock, SEEN_PERIOD_MS);
    }
    tracker.release(claim);
  }

  /** Waits until drivers have prepared the devices, and tells how that ended. @throws NotReadyError */
  async #prepared(claims: readonly PodClaim[], signal: AbortSignal): Promise<void> {
    const { writer, profile, world } = this.#options;
    const ended = writer.awaiting(profile);
    const end = (status: AwaitedStatus) =>
      ended(
        claims.map(({ claim }) => claim),
        status,
      );
    try {
      // All are looked at each time: one that has failed ends the wait, whatever the others lack.
      while (claims.map((each) => this.#isReady(each)).includes(false))
        await sleep(world.clock, READINESS_PERIOD_MS, signal);
      end('success');
    } catch (error) {
      end(error instanceof NotReadyError ? error.status : 'error');
      throw error;
    }
  }

  /** @throws NotReadyError */
  #isReady(each: PodClaim): boolean {
    const { tracker, world, bindingTimeoutMs } = this.#options;
    each.claim = tracker.get(storeKey(each.claim)) ?? each.claim;
    const state = readinessOf(each.claim);
    if (typeof state === 'object') throw new NotReadyError('failure', state.failure);
    if (state === 'waiting' && isLate(each.claim, world.clock.now(), bindingTimeoutMs))
      throw new NotReadyError('timeout', `device binding timeout: claim=${each.claim.metadata.name}`);
    return state === 'ready';
  }
}

/** Why devices that have to be prepared cannot be had. */
class NotReadyError extends Error {
  override readonly name = 'NotReadyError';
  readonly status: AwaitedStatus;

  constructor(status: AwaitedStatus, message: string) {
    super(message);
    this.status = status;
  }
}
