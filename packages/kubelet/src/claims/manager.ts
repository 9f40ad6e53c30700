/**
 * Claims of devices on the node (pkg/kubelet/cm/dra/manager.go): drivers prepare those of a pod before its sandbox is made, its
 * containers get what was prepared, and drivers take it back when they have ended. docs/kubelet.md draws it.
 */
import { join } from 'node:path';
import type { Container, Pod, ResourceHealth, ResourceStatus } from '@keelson/api/generated/types/core/v1';
import type { Client } from '@keelson/client';
import { readIfExists } from '@keelson/component/files';
import type { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { PluginHandler } from '../plugins/handler.ts';
import { uidOf } from '../pods/spec.ts';
import { StateFile } from '../state-file.ts';
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import type { Driver } from './driver.ts';
import { Drivers } from './drivers.ts';
import { DevicesHealth } from './health.ts';
import type { ClaimReference, DeviceMessage } from './messages.ts';
import { ClaimMetrics } from './metrics.ts';
import { NodeSlices } from './slices.ts';
import { Turns } from './turns.ts';
import { keyOf, type NodeClaim, type PreparedDevice } from './types.ts';
import { checkUse, claimNamed, claimsOfPod, isFor, requestsOf } from './wanted.ts';

const CHECKPOINT = 'dra_manager_state';

export interface ClaimManagerOptions {
  /** Acts as the node. */
  readonly client: Client;
  readonly nodeName: string;
  /** The kubelet's root. */
  readonly directory: string;
  readonly metrics?: MetricsRegistry | undefined;
  /** How long a driver may be away until what it said of the node is taken back. */
  readonly driverGraceMs?: number | undefined;
  /** How a device is that the pod has is known anew. */
  healthChanged(podUid: string): void;
}

/** What a container has of a claim. */
export interface ContainerClaim {
  readonly name: string;
  readonly namespace: string;
  readonly devices: readonly (PreparedDevice & { readonly driver: string })[];
}

export class ClaimManager {
  readonly #options: ClaimManagerOptions;
  readonly #claims: Map<string, NodeClaim>;
  readonly #checkpoint: StateFile;
  readonly #metrics: ClaimMetrics | undefined;
  readonly #health: DevicesHealth;
  readonly #slices: NodeSlices;
  readonly #drivers: Drivers;
  readonly #turns = new Turns();

  private constructor(options: ClaimManagerOptions, claims: Map<string, NodeClaim>, health: DevicesHealth) {
    const { client, nodeName, directory, metrics, driverGraceMs } = options;
    this.#options = options;
    this.#claims = claims;
    this.#health = health;
    this.#checkpoint = new StateFile(join(directory, CHECKPOINT));
    this.#metrics = metrics && new ClaimMetrics(metrics, () => claims.values());
    this.#slices = new NodeSlices({ client, nodeName, delayMs: driverGraceMs });
    this.#drivers = new Drivers({
      client,
      slices: this.#slices,
      called: (driver, method, code, ms) => this.#metrics?.call(driver, method, code, ms),
      health: (driver, devices) => {
        if (!devices) health.forget(driver);
        this.#tellHolders(driver, devices ? health.update(driver, devices) : () => true);
      },
    });
  }

  /** Goes on with what a kubelet before has prepared. @throws Error where its checkpoint cannot be read */
  static async restore(options: ClaimManagerOptions): Promise<ClaimManager> {
    const path = join(options.directory, CHECKPOINT);
    const health = new DevicesHealth(options.directory, options.client.world);
    await health.restore();
    try {
      const text = await readIfExists(path);
      return new ClaimManager(options, text === undefined ? new Map() : parseCheckpoint(text), health);
    } catch (error) {
      const why = `failed to get checkpoint ${CHECKPOINT}: ${(error as Error).message}`;
      throw new Error(`could not read ${path}, please drain node and remove DRA state file, err: ${why}`, {
        cause: error,
      });
    }
  }

  /** Of plugins of type `DRAPlugin`. */
  get handler(): PluginHandler {
    return this.#drivers;
  }

  /** What drivers said before that the node has is taken back: those that are there say it again. */
  start(): void {
    this.#slices.removeAll();
  }

  /** Resolves when nothing is written any more. */
  async stop(): Promise<void> {
    this.#drivers.stop();
    this.#slices.stop();
    await Promise.all([this.#checkpoint.idle(), this.#health.idle()]);
  }

  /** May be called again. @throws Error in upstream's words */
  async prepare(pod: Pod, signal: AbortSignal): Promise<void> {
    if (!pod.spec.resourceClaims?.length && !pod.status?.extendedResourceClaimStatus) return;
    await this.#observed('PrepareResources', 'prepare dynamic resources', () => {
      const keys = claimsOfPod(pod).map(({ name }) => keyOf(pod.metadata.namespace ?? '', name));
      return this.#turns.take(keys, () => this.#prepare(pod, signal));
    });
  }

  /** By which the runtime knows what a container has of claims. @throws Error where they are not prepared */
  cdiDevices(pod: Pod, container: Container): string[] {
    const names = new Set<string>();
    for (const [claimName, requests] of requestsOf(pod, container)) {
      const claim = this.#claimOf(pod, claimName);
      if (!claim) {
        const where = `ResourceClaim ${claimName} in namespace ${pod.metadata.namespace}`;
        throw new Error(`internal error: unable to get claim info for ${where}`);
      }
      for (const { requests: of, cdiDevices } of devicesOf(claim)) {
        if (requests.some((request) => isFor(of, request))) for (const name of cdiDevices) names.add(name);
      }
    }
    return [...names];
  }

  /** What a container has of claims, as far as it is prepared: whole claims, whichever requests it has. */
  ofContainer(pod: Pod, container: Container): ContainerClaim[] {
    return [...requestsOf(pod, container).keys()].flatMap((claimName) => {
      const claim = this.#claimOf(pod, claimName);
      return claim ? [{ name: claim.name, namespace: claim.namespace, devices: devicesOf(claim) }] : [];
    });
  }

  /** How the devices are that a container has, for its status. */
  healthOf(pod: Pod, container: Container): ResourceStatus[] {
    const own = container.resources?.claims ?? [];
    if (own.length === 0) return [];
    return own.flatMap(({ name, request = '' }) => {
      const claimName = claimNamed(pod, name);
      const claim = claimName === undefined ? undefined : this.#claimOf(pod, claimName);
      const devices = claim ? devicesOf(claim).filter(({ requests }) => isFor(requests, request)) : [];
      const health = new Map(devices.map((device) => [idOf(device), this.#healthOf(device)]));
      const resources = Array.from(health, ([resourceID, known]): ResourceHealth => ({ resourceID, ...known }));
      return resources.length > 0 ? [{ name: `claim:${name}${request ? `/${request}` : ''}`, resources }] : [];
    });
  }

  /** The pod's containers have ended, and it will have no others. May be called again. @throws Error */
  async unprepare(podUid: string): Promise<void> {
    const keys = [...this.#claims].filter(([, { pods }]) => pods.has(podUid)).map(([key]) => key);
    if (keys.length === 0) return;
    await this.#observed('UnprepareResources', 'unprepare dynamic resources', () =>
      this.#turns.take(keys, () => this.#unprepare(podUid)),
    );
  }

  /** Takes back what was prepared for pods that are no more. @param mayRun whether a pod runs or may run */
  async reconcile(mayRun: (podUid: string) => boolean): Promise<void> {
    const pods = new Set([...this.#claims.values()].flatMap((claim) => [...claim.pods]));
    for (const uid of pods) {
      if (mayRun(uid)) continue;
      await this.unprepare(uid).catch((error) => {
        this.#options.client.world.log.warn({ uid, error }, 'Could not unprepare claims of a pod that is no more');
      });
    }
  }

  async #prepare(pod: Pod, signal: AbortSignal): Promise<void> {
    const todo = await this.#claimsFor(pod);
    // It is known who has what before any driver is asked: if the kubelet ends now, the next one takes it back.
    for (const { claim } of todo) {
      this.#claims.set(keyOf(claim.namespace, claim.name), claim);
      claim.pods.add(uidOf(pod));
    }
    await this.#store();
    const batches = new Map<Driver, NodeClaim[]>();
    for (const { claim, drivers } of todo) {
      if (claim.isPrepared) continue;
      for (const driver of drivers) batches.set(driver, [...(batches.get(driver) ?? []), claim]);
    }
    for (const [driver, claims] of batches) await askToPrepare(driver, claims, signal);
    for (const { claim } of todo) claim.isPrepared = true;
    if (batches.size > 0) await this.#store();
  }

  /** Nothing is changed. */
  async #claimsFor(pod: Pod): Promise<{ readonly claim: NodeClaim; readonly drivers: readonly Driver[] }[]> {
    const { namespace = '' } = pod.metadata;
    const resource = this.#options.client.resource('resourceclaims.resource.k8s.io');
    const found = await Promise.all(
      claimsOfPod(pod).map(async (wanted) => {
        const { name } = wanted;
        const stored = await resource.get({ namespace, name }).catch((error) => {
          throw new Error(`fetch ResourceClaim ${name}: ${error.message}`, { cause: error });
        });
        checkUse(pod, stored, wanted);
        const results = stored.status?.allocation?.devices?.results;
        if (!stored.status?.allocation) throw new Error(`ResourceClaim ${name}: not allocated`);
        const names = [...new Set((results ?? []).map(({ driver }) => driver))];
        return { name, uid: stored.metadata.uid!, names, drivers: names.map((driver) => this.#drivers.get(driver)) };
      }),
    );
    return found.map(({ name, uid, names, drivers }) => {
      const known = this.#claims.get(keyOf(namespace, name));
      if (known && known.uid !== uid) {
        const what = `old ResourceClaim with same name ${name} and different UID ${known.uid}`;
        throw new Error(`${what} still exists (previous pod force-deleted?!)`);
      }
      const none = new Map(names.map((driver) => [driver, []]));
      const claim = known ?? { uid, name, namespace, pods: new Set(), drivers: none, isPrepared: false };
      return { claim, drivers };
    });
  }

  async #unprepare(podUid: string): Promise<void> {
    const last: NodeClaim[] = [];
    for (const claim of this.#claims.values()) {
      if (!claim.pods.has(podUid)) continue;
      if (claim.pods.size === 1) last.push(claim);
      else claim.pods.delete(podUid);
    }
    const batches = new Map<string, NodeClaim[]>();
    for (const claim of last) {
      for (const name of claim.drivers.keys()) batches.set(name, [...(batches.get(name) ?? []), claim]);
    }
    for (const [name, claims] of batches) await askToUnprepare(this.#drivers.get(name), claims);
    for (const { namespace, name } of last) this.#claims.delete(keyOf(namespace, name));
    await this.#store();
  }

  async #store(): Promise<void> {
    await this.#checkpoint
      .write(() => formatCheckpoint(this.#claims.values()))
      .catch((error: Error) => {
        const what = `checkpoint ResourceClaim state: could not save checkpoint ${CHECKPOINT}`;
        throw new Error(`${what}: ${error.message}`, { cause: error });
      });
  }

  async #observed(
    name: 'PrepareResources' | 'UnprepareResources',
    what: string,
    operation: () => Promise<void>,
  ): Promise<void> {
    const startedAt = performance.now();
    let failed = false;
    try {
      await operation();
    } catch (error) {
      failed = true;
      throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
    } finally {
      this.#metrics?.operation(name, failed, performance.now() - startedAt);
    }
  }

  #claimOf({ metadata }: Pod, name: string): NodeClaim | undefined {
    return this.#claims.get(keyOf(metadata.namespace ?? '', name));
  }

  #healthOf({
    driver,
    pool,
    device,
  }: PreparedDevice & { readonly driver: string }): Omit<ResourceHealth, 'resourceID'> {
    const { health, message } = this.#health.of(driver, pool, device);
    return message === '' ? { health } : { health, message };
  }

  #tellHolders(driver: string, changed: (pool: string, device: string) => boolean): void {
    const holders = new Set<string>();
    for (const claim of this.#claims.values()) {
      const devices = claim.drivers.get(driver) ?? [];
      if (devices.some(({ pool, device }) => changed(pool, device))) for (const uid of claim.pods) holders.add(uid);
    }
    for (const uid of holders) this.#options.healthChanged(uid);
  }
}

function devicesOf({ drivers }: NodeClaim): (PreparedDevice & { readonly driver: string })[] {
  return [...drivers].flatMap(([driver, devices]) => devices.map((device) => ({ ...device, driver })));
}

/** In a container's status. */
function idOf({ driver, pool, device, cdiDevices }: PreparedDevice & { readonly driver: string }): string {
  return cdiDevices[0] ?? `${driver}/${pool}/${device}`;
}

async function askToPrepare(driver: Driver, claims: readonly NodeClaim[], signal: AbortSignal): Promise<void> {
  const answers = await asked('NodePrepareResources', claims, (references) => driver.prepare(references, signal));
  for (const [claim, { devices }] of answers) claim.drivers.set(driver.name, devices.map(preparedOf));
}

async function askToUnprepare(driver: Driver, claims: readonly NodeClaim[]): Promise<void> {
  await asked('NodeUnprepareResources', claims, (references) => driver.unprepare(references));
}

/** @returns what was said of each claim @throws Error where one was not done */
async function asked<Answer extends { readonly error: string }>(
  method: string,
  claims: readonly NodeClaim[],
  call: (references: ClaimReference[]) => Promise<{ readonly claims: Readonly<Record<string, Answer>> }>,
): Promise<(readonly [NodeClaim, Answer])[]> {
  const references = claims.map(({ namespace, uid, name }) => ({ namespace, uid, name }));
  const { claims: answers } = await call(references).catch((error: Error) => {
    throw new Error(`${method}: ${error.message}`, { cause: error });
  });
  const found = Object.entries(answers).map(([uid, answer]) => {
    const claim = claims.find((each) => each.uid === uid);
    if (!claim) throw new Error(`${method} returned result for unknown claim UID ${uid}`);
    if (answer.error) throw new Error(`${method} failed for ResourceClaim ${claim.name}: ${answer.error}`);
    return [claim, answer] as const;
  });
  if (found.length < claims.length) throw new Error(`${method} skipped ${claims.length - found.length} ResourceClaims`);
  return found;
}

function preparedOf({ poolName, deviceName, shareId, requestNames, cdiDeviceIds }: DeviceMessage): PreparedDevice {
  return { pool: poolName, device: deviceName, shareId, requests: requestNames, cdiDevices: cdiDeviceIds };
}
