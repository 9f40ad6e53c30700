/**
 * Block volumes: staged for the node, published for each pod, and shown to its containers as a device
 * (pkg/volume/csi/csi_block.go, MapBlockVolume in pkg/volume/util).
 */
import { lstat, mkdir, open, realpath, rm, rmdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { uidOf } from '../../pods/spec.ts';
import { bindFile, holdDevice, releaseDevice, unmount } from '../filesystem.ts';
import { askedOf, type CsiContext, driverOf, inCsi, type Step, usageOf } from './context.ts';
import { publishedData, saveData } from './data.ts';
import { isFinal } from './driver.ts';
import { type Identity, publishSecrets, stageSecrets } from './mounting.ts';
import { toldOf } from './pod-attributes.ts';

/** @throws Error */
export async function stageDevice(context: CsiContext, { volume, attached, begin }: Step): Promise<void> {
  const { paths, nodeName } = context;
  const data = paths.deviceData(volume.name);
  await mkdir(data, { recursive: true, mode: 0o750 });
  await saveData(data, publishedData(volume, nodeName));
  const asked = await askedOf(context, volume.driver, 'blockMapper.SetUpDevice failed to get CSI client');
  if (!asked.can.has('STAGE_UNSTAGE_VOLUME')) return;
  const path = paths.deviceStaging(volume.name);
  const secrets = await stageSecrets(context, volume);
  await mkdir(path, { recursive: true, mode: 0o750 });
  begin();
  try {
    await asked.driver.call('NodeStageVolume', {
      volumeId: volume.handle,
      publishContext: attached,
      stagingTargetPath: path,
      volumeCapability: usageOf(volume, asked),
      secrets,
      volumeContext: volume.attributes,
    });
  } catch (error) {
    if (isFinal(error)) await removeLeftovers(context, volume);
    throw error;
  }
}

/** @returns the device, as the driver has made it. @throws Error */
export async function publishDevice(context: CsiContext, { pod, volume, attached, begin }: Step): Promise<string> {
  const { paths, token } = context;
  const asked = await askedOf(context, volume.driver, 'blockMapper.MapPodDevice failed to get CSI client');
  const csiDriver = await context.csiDriver(volume.driver);
  const { attributes, secrets } = await toldOf(pod, volume, await publishSecrets(context, volume), csiDriver, token);
  const path = paths.devicePublished(volume.name, uidOf(pod));
  await mkdir(dirname(path), { recursive: true, mode: 0o750 });
  begin();
  await asked.driver.call('NodePublishVolume', {
    volumeId: volume.handle,
    publishContext: attached,
    stagingTargetPath: paths.deviceStaging(volume.name),
    targetPath: path,
    volumeCapability: usageOf(volume, asked),
    readonly: volume.readOnly,
    secrets,
    volumeContext: attributes,
  });
  return realpath(path);
}

/** Puts the device where the pod's containers get it from, and keeps it open: its name must not become another's. @throws Error */
export async function mapDevice({ paths }: CsiContext, uid: string, { name }: Identity, device: string): Promise<void> {
  const shared = join(paths.deviceMap(name), uid);
  await mkdir(dirname(shared), { recursive: true, mode: 0o750 });
  if (!(await isDevice(shared))) {
    await (await open(shared, 'a', 0o750)).close();
    await bindFile(device, shared);
  }
  const link = paths.podDevice(uid, name);
  await mkdir(dirname(link), { recursive: true, mode: 0o750 });
  await rm(link, { force: true });
  await symlink(device, link);
  await holdDevice(shared);
}

/** Takes a device from a pod. @throws Error */
export async function unpublishDevice(context: CsiContext, uid: string, { name, driver, handle }: Identity) {
  const { paths } = context;
  const shared = join(paths.deviceMap(name), uid);
  await releaseDevice(shared);
  await rm(paths.podDevice(uid, name), { force: true });
  await unmount(shared);
  await rm(shared, { force: true });
  const found = driverOf(context, driver, 'blockMapper.UnmapPodDevice failed to get CSI client');
  const targetPath = paths.devicePublished(name, uid);
  await found.call('NodeUnpublishVolume', { volumeId: handle, targetPath }).catch((error) => {
    throw inCsi('blockMapper.unpublishVolumeForBlock failed', error);
  });
}

/** Takes a device from the node. @throws Error */
export async function unstageDevice(context: CsiContext, volume: Identity): Promise<void> {
  const path = context.paths.deviceStaging(volume.name);
  if (await lstat(path).catch(() => undefined)) {
    const found = driverOf(context, volume.driver, 'blockMapper.TearDownDevice failed to get CSI client');
    if ((await found.capabilities()).has('STAGE_UNSTAGE_VOLUME')) {
      await found.call('NodeUnstageVolume', { volumeId: volume.handle, stagingTargetPath: path }).catch((error) => {
        throw inCsi('blockMapper.unstageVolumeForBlock failed', error);
      });
    }
  }
  await removeLeftovers(context, volume);
}

/** What the kubelet has made itself; what is in there besides is not its to remove. */
async function removeLeftovers({ paths }: CsiContext, { name }: Identity): Promise<void> {
  const [published, staged, map, data] = [
    dirname(paths.devicePublished(name, 'x')),
    paths.deviceStaging(name),
    paths.deviceMap(name),
    paths.deviceData(name),
  ];
  for (const folder of [published, staged, map]) await rmdir(folder).catch(() => {});
  await rm(data, { recursive: true, force: true });
  await rmdir(dirname(data)).catch(() => {});
}

async function isDevice(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return (found?.isBlockDevice() || found?.isCharacterDevice()) ?? false;
}
