/**
 * Has a driver make a volume as large on the node as it is in the storage, and tells its claim
 * (NodeExpand in pkg/volume/csi/expander.go, operationexecutor/node_expander.go).
 */
import type { PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import type { Quantity } from '@keelson/api/quantity';
import { formatTime } from '@keelson/api/time';
import { keyOf } from '@keelson/client';
import { RpcError } from '@keelson/component/grpc/errors';
import { uidOf } from '../../pods/spec.ts';
import type { BoundClaim } from '../claims.ts';
import { type CsiContext, failure, secretOf, usageOf } from './context.ts';
import { isFinal } from './driver.ts';
import { failed, finished, hasResizeStatus, inProgress, permissionOf, sizeOf } from './expansion.ts';
import type { HeldVolume } from './held.ts';
import type { CsiVolume } from './volume.ts';

interface GrowthRequest {
  readonly pod: Pod;
  readonly claim: PersistentVolumeClaim;
  readonly volume: CsiVolume;
  /** Of the volume in the storage. */
  readonly size: Quantity;
  /** Where the pod has it. */
  readonly path: string;
  readonly stagingPath: string;
  readonly failedBefore: boolean;
}

type Grown =
  | { readonly type: 'done'; readonly size: Quantity }
  /** Nothing to be done now. */
  | { readonly type: 'wait' }
  /** Not as long as the volume is in use here. */
  | { readonly type: 'refused' };

type Kind = 'unsupported' | 'in-use' | 'infeasible' | 'failed' | 'pending';

/** Why a volume did not grow. */
class GrowthError extends Error {
  override readonly name = 'GrowthError';
  readonly kind: Kind;

  constructor(kind: Kind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

const KINDS: Readonly<Record<string, Kind>> = {
  FailedPrecondition: 'in-use',
  InvalidArgument: 'infeasible',
  OutOfRange: 'infeasible',
  NotFound: 'infeasible',
};

export interface SizeRequest {
  readonly pod: Pod;
  readonly volume: CsiVolume;
  readonly bound: BoundClaim;
  readonly held: HeldVolume;
  /** The pod does not run on it yet: it waits until it has its size. */
  readonly isNew: boolean;
}

/** Sees to it that a volume that a pod has is as large as in the storage. @throws PreparationError for a pod that waits */
export async function keepSize(context: CsiContext, { pod, volume, bound, held, isNew }: SizeRequest): Promise<void> {
  const { claim, persistent } = bound;
  const { recorder, paths } = context;
  const size = sizeOf(persistent.spec.capacity);
  held.size ??= sizeOf(claim.status?.capacity);
  const has = isNew ? sizeOf(claim.status?.capacity) : held.size;
  if (has.cmp(size) >= 0 || has.isZero() || held.growthRefused) return;
  if (volume.readOnly) {
    const message = `MountVolume.NodeExpandVolume failed for volume "${volume.name}" requested read-only file system`;
    if (isNew) for (const about of [pod, claim]) recorder.event(about, 'Warning', 'FileSystemResizeFailed', message);
    return;
  }
  const user = held.users.get(uidOf(pod))!;
  const path = volume.isBlock ? (user.device ?? '') : paths.target(uidOf(pod), volume.name);
  const stagingPath = volume.isBlock ? paths.deviceStaging(volume.name) : paths.staging(volume.driver, volume.handle);
  try {
    const failedBefore = held.growthFailed;
    const grown = await grow(context, { pod, claim, volume, size, path, stagingPath, failedBefore });
    if (grown.type === 'refused') held.growthRefused = true;
    if (grown.type !== 'done') return;
    held.size = grown.size;
    held.growthFailed = false;
  } catch (error) {
    held.growthFailed ||= error instanceof GrowthError && error.kind !== 'pending';
    if (isNew) {
      user.published = 'maybe';
      const what = volume.isBlock ? 'MapVolume.MarkVolumeAsMounted' : 'MountVolume.Setup';
      throw failure(`${what} failed while expanding volume`, volume, error);
    }
    const message = `NodeExpandVolume.NodeExpandVolume failed for volume "${volume.name}" : ${(error as Error).message}`;
    recorder.event(pod, 'Warning', 'VolumeResizeFailed', message);
  }
}

/** @throws GrowthError, and Error for a claim that cannot be told */
async function grow(context: CsiContext, request: GrowthRequest): Promise<Grown> {
  const { claim } = request;
  if (!hasResizeStatus(claim)) return growUntold(context, request);
  const size = sizeOf(claim.status?.allocatedResources);
  const permission = permissionOf(claim, size, request.failedBefore);
  if (permission.type === 'wait') return { type: 'wait' };
  if (permission.type === 'done') return { type: 'done', size };
  const { isTold, givesUp } = permission;
  const current = isTold ? claim : await tell(context, claim, inProgress(claim));
  try {
    await callDriver(context, request, size);
  } catch (error) {
    if (!(error instanceof GrowthError)) throw error;
    if (error.kind === 'unsupported' && isTold) return { type: 'done', size };
    if (error.kind !== 'pending') {
      const isInfeasible = error.kind === 'infeasible' || givesUp;
      await tell(
        context,
        current,
        failed(current, error, isInfeasible, formatTime(new Date(context.client.world.clock.now()))),
      );
    }
    if (error.kind === 'in-use') return { type: 'refused' };
    throw error;
  }
  tellOfSuccess(context, request);
  if (!isTold) await tellDone(context, current, size);
  return { type: 'done', size };
}

/** Where whoever resizes claims leaves all to the node. */
async function growUntold(context: CsiContext, request: GrowthRequest): Promise<Grown> {
  const { claim, size } = request;
  try {
    await callDriver(context, request, size);
  } catch (error) {
    if (!(error instanceof GrowthError)) throw error;
    if (error.kind === 'unsupported') return { type: 'done', size };
    if (error.kind === 'in-use') return { type: 'refused' };
    throw error;
  }
  tellOfSuccess(context, request);
  if (sizeOf(claim.status?.capacity).cmp(size) < 0) await tellDone(context, claim, size);
  return { type: 'done', size };
}

async function tellDone(context: CsiContext, claim: PersistentVolumeClaim, size: Quantity): Promise<void> {
  await tell(context, claim, finished(claim, size)).catch((error) => {
    throw new Error(`mountVolume.NodeExpandVolume update pvc status failed: ${(error as Error).message}`);
  });
}

async function tell(
  { client }: CsiContext,
  claim: PersistentVolumeClaim,
  patch: object,
): Promise<PersistentVolumeClaim> {
  const claims = client.resource('persistentvolumeclaims');
  return claims.patch(keyOf(claim), 'strategic', patch, { subresource: 'status' });
}

function tellOfSuccess({ nodeName, recorder }: CsiContext, { pod, claim, volume }: GrowthRequest): void {
  const message = `MountVolume.NodeExpandVolume succeeded for volume "${volume.name}" ${nodeName}`;
  for (const about of [pod, claim]) recorder.event(about, 'Normal', 'FileSystemResizeSuccessful', message);
}

/** @throws GrowthError */
async function callDriver(context: CsiContext, request: GrowthRequest, size: Quantity): Promise<void> {
  const { volume, path, stagingPath } = request;
  const secrets = await secretOf(context, volume.expandSecret).catch((error) => {
    const { namespace, name } = volume.expandSecret!;
    const message = `expander.NodeExpand failed to get NodeExpandSecretRef ${namespace}/${name}: ${(error as Error).message}`;
    throw new GrowthError('failed', message, error);
  });
  try {
    const driver = context.drivers.get(volume.driver);
    const can = await driver.capabilities();
    if (!can.has('EXPAND_VOLUME')) {
      throw new GrowthError('unsupported', `NodeExpand is not supported by the CSI driver ${volume.driver}`);
    }
    await driver.call('NodeExpandVolume', {
      volumeId: volume.handle,
      volumePath: path,
      capacityRange: { requiredBytes: Number(size.value()) },
      stagingTargetPath: can.has('STAGE_UNSTAGE_VOLUME') || volume.isBlock ? stagingPath : '',
      volumeCapability: usageOf(volume, { can }),
      secrets,
    });
  } catch (error) {
    if (error instanceof GrowthError) throw error;
    if (!(error instanceof RpcError)) throw new GrowthError('pending', (error as Error).message, error);
    const kind = KINDS[error.codeName] ?? (isFinal(error) ? 'failed' : 'pending');
    const colon = kind === 'infeasible' ? '' : ': ';
    throw new GrowthError(kind, `Expander.NodeExpand failed to expand the volume ${colon}${error.message}`, error);
  }
}
