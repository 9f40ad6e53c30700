/**
 * Block volumes: staged for the node, published for each pod, and shown to its containers as a device
 * (pkg/volume/csi/csi_block.go, MapBlockVolume in pkg/volume/util).
 */
import { lstat, mkdir, realpath, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { unless } from '@keelson/component/files';
import { uidOf } from '../../pods/spec.ts';
import { type DevicePlaces, hideDevice } from '../block.ts';
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

/** Where a pod has the device. */
export function placesOf({ paths }: CsiContext, uid: string, { name }: Pick<Identity, 'name'>): DevicePlaces {
  return { shared: join(paths.deviceMap(name), uid), link: paths.podDevice(uid, name) };
}

/** Takes a device from a pod. @throws Error */
export async function unpublishDevice(context: CsiContext, uid: string, { name, driver, handle }: Identity) {
  await hideDevice(placesOf(context, uid, { name }));
  const found = driverOf(context, driver, 'blockMapper.UnmapPodDevice failed to get CSI client');
  const targetPath = context.paths.devicePublished(name, uid);
  await found.call('NodeUnpublishVolume', { volumeId: handle, targetPath }).catch((error) => {
    throw inCsi('blockMapper.unpublishVolumeForBlock failed', error);
  });
}

/** Takes a device from the node. @throws Error */
export async function unstageDevice(context: CsiContext, volume: Identity): Promise<void> {
  const path = context.paths.deviceStaging(volume.name);
  if (await lstat(path).catch(unless('ENOENT'))) {
    const found = driverOf(context, volume.driver, 'blockMapper.TearDownDevice failed to get CSI client');
    if ((await found.capabilities()).has('STAGE_UNSTAGE_VOLUME')) {
      await found.call('NodeUnstageVolume', { volumeId: volume.handle, stagingTargetPath: path }).catch((error) => {
        throw inCsi('blockMapper.unstageVolumeForBlock failed', error);
      });
    }
  }
  await removeLeftovers(context, volume);
}

const unlessInUse = unless('ENOENT', 'ENOTEMPTY');

/** What the kubelet has made itself; what is in there besides is not its to remove. */
async function removeLeftovers({ paths }: CsiContext, { name }: Identity): Promise<void> {
  const [published, staged, map, data] = [
    dirname(paths.devicePublished(name, 'x')),
    paths.deviceStaging(name),
    paths.deviceMap(name),
    paths.deviceData(name),
  ];
  for (const folder of [published, staged, map]) await rmdir(folder).catch(unlessInUse);
  await rm(data, { recursive: true, force: true });
  await rmdir(dirname(data)).catch(unlessInUse);
}
