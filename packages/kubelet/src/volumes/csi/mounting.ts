/** Volumes that are mounted: once for the node, then for each pod (pkg/volume/csi/csi_attacher.go and csi_mounter.go). */
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { unless } from '@keelson/component/files';
import { uidOf } from '../../pods/spec.ts';
import { isMountPoint } from '../filesystem.ts';
import { giveToGroup } from '../ownership.ts';
import { askedOf, type CsiContext, checked, driverOf, inCsi, type Step, secretOf, usageOf } from './context.ts';
import { loadData, publishedData, saveData, stagedData } from './data.ts';
import { isFinal } from './driver.ts';
import { DATA_FILE } from './paths.ts';
import { toldOf } from './pod-attributes.ts';
import { checkLifecycle, takesGroup } from './policy.ts';
import type { CsiVolume } from './volume.ts';

/** Who the volume is, for a driver that takes it away. */
export type Identity = Pick<CsiVolume, 'name' | 'driver' | 'handle'>;

type Texts = Readonly<Record<string, string>>;

/** Of the pod for which it is done. */
const groupOf = ({ spec }: Pod): number | undefined => spec.securityContext?.fsGroup;

/** Has the driver mount a volume where all pods of the node can have it from. @throws Error */
export async function stage(context: CsiContext, { pod, volume, attached, begin }: Step): Promise<void> {
  const asked = await askedOf(context, volume.driver, 'attacher.MountDevice failed to create newCsiDriverClient');
  const path = context.paths.staging(volume.driver, volume.handle);
  const stages = asked.can.has('STAGE_UNSTAGE_VOLUME');
  const secrets = stages ? await stageSecrets(context, volume) : {};
  await mkdir(path, { recursive: true, mode: 0o750 });
  if (!stages) return;
  await saveData(dirname(path), stagedData(volume));
  begin();
  try {
    await asked.driver.call('NodeStageVolume', {
      volumeId: volume.handle,
      publishContext: attached,
      stagingTargetPath: path,
      volumeCapability: usageOf(volume, asked, groupOf(pod)),
      secrets,
      volumeContext: volume.attributes,
    });
  } catch (error) {
    if (isFinal(error)) await tidy(context, path);
    throw error;
  }
}

/** @throws Error */
export async function stageSecrets(context: CsiContext, { stageSecret }: CsiVolume): Promise<Texts> {
  return secretOf(context, stageSecret).catch((error) => {
    const { namespace, name } = stageSecret!;
    throw new Error(`fetching NodeStageSecretRef ${namespace}/${name} failed: ${(error as Error).message}`);
  });
}

/**
 * Has the driver mount a volume for a pod, and gives it to the pod's group.
 * @param mayBeThere it was before, and a pod may run on it: a failure takes nothing away. @throws Error
 */
export async function publish(
  context: CsiContext,
  { pod, volume, attached, begin }: Step,
  mayBeThere: boolean,
): Promise<void> {
  const asked = await askedOf(context, volume.driver, 'mounter.SetUpAt failed to get CSI client');
  const csiDriver = await context.csiDriver(volume.driver);
  const group = groupOf(pod);
  checked('mounter.SetupAt failed to check volume lifecycle mode', () => checkLifecycle(volume, csiDriver));
  const ownsGroup = checked('mounter.SetupAt failed to check fsGroup policy', () =>
    takesGroup(volume, group, csiDriver),
  );
  const path = context.paths.target(uidOf(pod), volume.name);
  const isStaged = volume.lifecycle === 'Persistent' && asked.can.has('STAGE_UNSTAGE_VOLUME');
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  const { attributes, secrets } = await toldOf(
    pod,
    volume,
    await publishSecrets(context, volume),
    csiDriver,
    (...asks) =>
      context.token(...asks).catch((error) => {
        throw inCsi('mounter.SetUpAt failed to get service accoount token attributes', error);
      }),
  );
  await saveData(dirname(path), publishedData(volume, context.nodeName));
  begin();
  try {
    await asked.driver.call('NodePublishVolume', {
      volumeId: volume.handle,
      publishContext: attached,
      stagingTargetPath: isStaged ? context.paths.staging(volume.driver, volume.handle) : '',
      targetPath: path,
      volumeCapability: usageOf(volume, asked, group),
      readonly: volume.readOnly,
      secrets,
      volumeContext: attributes,
    });
  } catch (error) {
    if (isFinal(error) && !mayBeThere) await tidy(context, path);
    throw error;
  }
  if (!ownsGroup || asked.can.has('VOLUME_MOUNT_GROUP')) return;
  const { client, recorder } = context;
  await giveToGroup({ world: client.world, recorder }, pod, path, false).catch((error) => {
    throw new Error(`applyFSGroup failed for vol ${volume.handle}: ${(error as Error).message}`, { cause: error });
  });
}

/** What the driver is told of the volume's secret when a pod gets it. @throws Error where the secret cannot be had */
export async function publishSecrets(context: CsiContext, { publishSecret }: CsiVolume): Promise<Texts> {
  return secretOf(context, publishSecret).catch((error) => {
    const { namespace, name } = publishSecret!;
    throw new Error(`fetching NodePublishSecretRef ${namespace}/${name} failed: ${(error as Error).message}`);
  });
}

/** Takes a volume from a pod. @throws Error */
export async function unpublish(context: CsiContext, uid: string, { driver, handle, name }: Identity): Promise<void> {
  const path = context.paths.target(uid, name);
  const found = driverOf(context, driver, 'Unmounter.TearDownAt failed to get CSI client');
  await found.call('NodeUnpublishVolume', { volumeId: handle, targetPath: path }).catch((error) => {
    throw inCsi('Unmounter.TearDownAt failed', error);
  });
  await removeMounted(path).catch((error) => {
    throw inCsi(`Unmounter.TearDownAt failed to clean mount dir [${path}]`, error);
  });
}

/** Takes a volume from the node. Nothing happens where it was never mounted. @throws Error */
export async function unstage(context: CsiContext, { driver, handle }: Identity): Promise<void> {
  const path = context.paths.staging(driver, handle);
  if (await loadData(dirname(path))) {
    const found = driverOf(context, driver, 'attacher.UnmountDevice failed to create newCsiDriverClient');
    if ((await found.capabilities()).has('STAGE_UNSTAGE_VOLUME')) {
      await found.call('NodeUnstageVolume', { volumeId: handle, stagingTargetPath: path }).catch((error) => {
        throw inCsi('attacher.UnmountDevice failed', error);
      });
    }
  }
  await removeMounted(path);
}

/** After a driver has refused: that is what is told of, what cannot be removed then is removed with the pod. */
async function tidy({ client }: CsiContext, path: string): Promise<void> {
  const { log } = client.world;
  await removeMounted(path).catch((error) => log.warn({ path, error }, 'Could not remove what was made for a volume'));
}

/** What drivers leave of the folders that the kubelet has made. What is mounted stays. @throws Error */
async function removeMounted(path: string): Promise<void> {
  if (await isMountPoint(path)) return;
  const folder = dirname(path);
  await rmdir(path).catch(unless('ENOENT'));
  await rm(join(folder, DATA_FILE), { force: true });
  await rmdir(folder).catch(unless('ENOENT'));
}
