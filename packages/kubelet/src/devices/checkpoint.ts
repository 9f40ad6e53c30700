/**
 * What is known of devices, on disk: whichever kubelet comes next knows which container holds which. In upstream's form,
 * with its checksum (pkg/kubelet/cm/devicemanager/checkpoint).
 */
import { fnv32a } from '../pods/hash.ts';

export const CHECKPOINT = 'kubelet_internal_checkpoint';

export interface Entry {
  readonly PodUID: string;
  readonly ContainerName: string;
  readonly ResourceName: string;
  /** By NUMA node. */
  readonly DeviceIDs: Readonly<Record<string, readonly string[]>>;
  /** A `ContainerAllocateResponse` in base64. */
  readonly AllocResp: string;
}

/** Lists that Go has as nil are null. */
export interface CheckpointData {
  readonly PodDeviceEntries: readonly Entry[] | null;
  /** Healthy devices, by resource. */
  readonly RegisteredDevices: Readonly<Record<string, readonly string[] | null>> | null;
}

export function formatCheckpoint(data: CheckpointData): string {
  return JSON.stringify({ Data: data, Checksum: checksum(data) });
}

/** @throws Error where it is not one, or was changed */
export function parseCheckpoint(text: string): CheckpointData {
  const { Data: data, Checksum: expected } = JSON.parse(text) as { Data: CheckpointData; Checksum: number };
  const actual = checksum(data);
  if (actual !== expected) {
    throw new Error(`checkpoint is corrupted: expected checksum ${expected}, actual checksum ${actual}`);
  }
  return data;
}

function checksum(data: CheckpointData): number {
  return fnv32a(Buffer.from(goText(data)));
}

/** As Go's debug printer writes it, with types. */
function goText({ PodDeviceEntries: entries, RegisteredDevices: registered }: CheckpointData): string {
  const all = entries === null ? '<nil>' : `[${entries.map(entryText).join(' ')}]`;
  const names = registered === null ? '<nil>' : mapText(registered, byBytes);
  return `(checkpoint.checkpointData){PodDeviceEntries:([]checkpoint.PodDevicesEntry)${all} RegisteredDevices:(map[string][]string)${names}}`;
}

function entryText({ PodUID, ContainerName, ResourceName, DeviceIDs, AllocResp }: Entry): string {
  const devices = mapText(DeviceIDs, (a, b) => Number(a) - Number(b));
  const response = [...Buffer.from(AllocResp, 'base64')].join(' ');
  return `{PodUID:(string)${PodUID} ContainerName:(string)${ContainerName} ResourceName:(string)${ResourceName} DeviceIDs:(checkpoint.DevicesPerNUMA)${devices} AllocResp:([]uint8)[${response}]}`;
}

function mapText(
  map: Readonly<Record<string, readonly string[] | null>>,
  order: (a: string, b: string) => number,
): string {
  const keys = Object.keys(map).sort(order);
  return `map[${keys.map((key) => `${key}:${map[key] ? `[${map[key].join(' ')}]` : '<nil>'}`).join(' ')}]`;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
