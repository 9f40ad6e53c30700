/** The checkpoint of devices in its folder. */
import { join } from 'node:path';
import { namesIn, readIfExists } from '@keelson/component/files';
import { message } from '@keelson/component/grpc/service';
import { devicePluginDescriptors } from '../generated/deviceplugin-v1beta1.ts';
import { StateFile } from '../state-file.ts';
import { CHECKPOINT, type CheckpointData, formatCheckpoint, parseCheckpoint } from './checkpoint.ts';
import { type Holding, Holdings } from './holdings.ts';
import type { DeviceGrant } from './types.ts';

const grants = message(devicePluginDescriptors, 'v1beta1.ContainerAllocateResponse');

export interface DeviceRecord {
  readonly holdings: Holdings;
  /** Healthy devices, by resource. */
  readonly registered: ReadonlyMap<string, readonly string[]>;
}

export class DeviceStore {
  readonly #directory: string;
  readonly #path: string;
  readonly #file: StateFile;

  /** @param directory is there */
  constructor(directory: string) {
    this.#directory = directory;
    this.#path = join(directory, CHECKPOINT);
    this.#file = new StateFile(this.#path);
  }

  /** Whether no kubelet has been here before; then the node is new, whatever the API server knows of one of its name. */
  async isNew(): Promise<boolean> {
    return (await namesIn(this.#directory)).every((name) => name.startsWith('.'));
  }

  /** @returns undefined where there is none @throws Error for one that cannot be read */
  async read(): Promise<DeviceRecord | undefined> {
    const text = await readIfExists(this.#path);
    return text === undefined ? undefined : recordOf(parseCheckpoint(text));
  }

  /** Writes what `record` gives when it comes to it; what is asked for while one is written is written once. @throws Error */
  write(record: () => DeviceRecord): Promise<void> {
    return this.#file.write(() => formatCheckpoint(dataOf(record())));
  }

  /** Resolves when nothing is written any more. */
  idle(): Promise<void> {
    return this.#file.idle();
  }
}

function dataOf({ holdings, registered }: DeviceRecord): CheckpointData {
  const entries = Array.from(holdings.entries(), ({ uid, container, resource, holding }) => ({
    PodUID: uid,
    ContainerName: container,
    ResourceName: resource,
    DeviceIDs: Object.fromEntries(holding.devices),
    AllocResp: grants.encode(holding.grant).toString('base64'),
  }));
  return { PodDeviceEntries: entries.length > 0 ? entries : null, RegisteredDevices: Object.fromEntries(registered) };
}

function recordOf({ PodDeviceEntries: entries, RegisteredDevices: registered }: CheckpointData): DeviceRecord {
  const holdings = new Holdings();
  for (const { PodUID, ContainerName, ResourceName, DeviceIDs, AllocResp } of entries ?? []) {
    const holding: Holding = {
      devices: new Map(Object.entries(DeviceIDs).map(([node, ids]) => [Number(node), ids])),
      grant: grants.decode(Buffer.from(AllocResp, 'base64')) as DeviceGrant,
    };
    holdings.set(PodUID, ContainerName, ResourceName, holding);
  }
  return { holdings, registered: new Map(Object.entries(registered ?? {}).map(([name, ids]) => [name, ids ?? []])) };
}
