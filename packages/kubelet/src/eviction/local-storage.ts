/** Pods that keep more on the node's disk than they may (pkg/kubelet/eviction/eviction_manager.go, localStorageEviction). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { podLimits } from '../resources/requests.ts';
import type { PodUsage } from './signals.ts';

export interface Excess {
  /** As metrics name it. */
  readonly limit: 'emptydirfs.limit' | 'ephemeralpodfs.limit' | 'ephemeralcontainerfs.limit';
  readonly message: string;
}

/** The first limit that it exceeds. @param ownImageDisk what containers write is no affair of the node's disk */
export function storageExcess(pod: Pod, usage: PodUsage, ownImageDisk: boolean): Excess | undefined {
  return emptyDirExcess(pod, usage) ?? podExcess(pod, usage) ?? containerExcess(pod, usage, ownImageDisk);
}

const exceeds = (bytes: number, limit: Quantity) => Quantity.of(bytes).cmp(limit) > 0;

function emptyDirExcess({ spec }: Pod, { volumes }: PodUsage): Excess | undefined {
  for (const { name, emptyDir } of spec?.volumes ?? []) {
    const used = volumes.get(name);
    if (!emptyDir?.sizeLimit || !used) continue;
    const limit = Quantity.parse(emptyDir.sizeLimit);
    if (limit.sign() <= 0 || !exceeds(used.bytes, limit)) continue;
    return { limit: 'emptydirfs.limit', message: `Usage of EmptyDir volume "${name}" exceeds the limit "${limit}". ` };
  }
  return undefined;
}

function podExcess(pod: Pod, { storage }: PodUsage): Excess | undefined {
  const limit = podLimits(pod).get('ephemeral-storage');
  if (!limit || !exceeds(storage.bytes, limit)) return undefined;
  const message = `Pod ephemeral local storage usage exceeds the total limit of containers ${limit}. `;
  return { limit: 'ephemeralpodfs.limit', message };
}

function containerExcess({ spec }: Pod, { containers }: PodUsage, ownImageDisk: boolean): Excess | undefined {
  for (const { name, layer, logs } of containers) {
    const text = spec?.containers?.find((each) => each.name === name)?.resources?.limits?.['ephemeral-storage'];
    const limit = text === undefined ? undefined : Quantity.parse(text);
    const used = (logs?.bytes ?? 0) + (ownImageDisk ? 0 : (layer?.bytes ?? 0));
    if (!limit || limit.isZero() || !exceeds(used, limit)) continue;
    const message = `Container ${name} exceeded its local ephemeral storage limit "${limit}". `;
    return { limit: 'ephemeralcontainerfs.limit', message };
  }
  return undefined;
}
