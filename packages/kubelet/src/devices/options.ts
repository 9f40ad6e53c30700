/** What the runtime is told so that a container has its devices (deviceRunContainerOptions in pod_devices.go). */
import type { Mount } from '../runtime/container.ts';
import type { Holding } from './holdings.ts';
import type { DeviceNode } from './types.ts';

export interface DeviceOptions {
  readonly env: ReadonlyMap<string, string>;
  readonly mounts: readonly Mount[];
  readonly devices: readonly DeviceNode[];
  readonly annotations: Readonly<Record<string, string>>;
  readonly cdiDevices: readonly string[];
}

/** Of all resources together: where two say something of the same variable or path, the first is right. */
export function deviceOptions(holdings: Iterable<Holding>): DeviceOptions {
  const env = new Map<string, string>();
  const mounts = new Map<string, Mount>();
  const devices = new Map<string, DeviceNode>();
  const annotations = new Map<string, string>();
  const cdiDevices = new Set<string>();
  for (const { grant } of holdings) {
    for (const [name, value] of Object.entries(grant.envs)) putNew(env, name, value);
    for (const device of grant.devices) putNew(devices, device.containerPath, device);
    for (const mount of grant.mounts) putNew(mounts, mount.containerPath, { ...mount, ...PLAIN });
    for (const [name, value] of Object.entries(grant.annotations)) putNew(annotations, name, value);
    for (const { name } of grant.cdiDevices) cdiDevices.add(name);
  }
  return {
    env,
    mounts: [...mounts.values()],
    devices: [...devices.values()],
    annotations: Object.fromEntries(annotations),
    cdiDevices: [...cdiDevices],
  };
}

const PLAIN = { recursiveReadOnly: false, selinuxRelabel: false, propagation: 'private' } as const;

function putNew<K, V>(map: Map<K, V>, key: K, value: V): void {
  if (!map.has(key)) map.set(key, value);
}
