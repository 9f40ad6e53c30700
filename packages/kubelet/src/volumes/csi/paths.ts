/** Where volumes of drivers are on a node, as upstream has it: another kubelet finds what this one has mounted. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';

/** Beside what is mounted: whose volume it is, for who comes later. */
export const DATA_FILE = 'vol_data.json';

const PLUGIN = 'kubernetes.io~csi';

export class CsiPaths {
  readonly #root: string;

  /** @param root of the kubelet's data; absolute */
  constructor(root: string) {
    this.#root = root;
  }

  pods(): string {
    return join(this.#root, 'pods');
  }

  /** The folders of a pod's volumes. */
  podVolumes(uid: string): string {
    return join(this.pods(), uid, 'volumes', PLUGIN);
  }

  /** A volume of a pod: its data file, and below `mount` what its containers see. */
  podVolume(uid: string, name: string): string {
    return join(this.podVolumes(uid), escaped(name));
  }

  target(uid: string, name: string): string {
    return join(this.podVolume(uid, name), 'mount');
  }

  /** Links to the block devices of a pod. */
  podDevices(uid: string): string {
    return join(this.pods(), uid, 'volumeDevices', PLUGIN);
  }

  podDevice(uid: string, name: string): string {
    return join(this.podDevices(uid), name);
  }

  /** The folder of all drivers' volumes that were staged for mounting. */
  staged(): string {
    return join(this.#root, 'plugins/kubernetes.io/csi');
  }

  /** Where a volume is mounted for all pods of the node. */
  staging(driver: string, handle: string): string {
    return join(this.staged(), driver, createHash('sha256').update(handle).digest('hex'), 'globalmount');
  }

  /** The folder of block volumes, which are staged under their names. */
  devices(): string {
    return join(this.staged(), 'volumeDevices');
  }

  deviceStaging(name: string): string {
    return join(this.devices(), 'staging', name);
  }

  devicePublished(name: string, uid: string): string {
    return join(this.devices(), 'publish', name, uid);
  }

  /** The device as each pod has it, by uid. */
  deviceMap(name: string): string {
    return join(this.devices(), escaped(name), 'dev');
  }

  deviceData(name: string): string {
    return join(this.devices(), escaped(name), 'data');
  }
}

const escaped = (name: string): string => name.replaceAll('/', '~');
