/** Volumes of drivers as nodes and attachments name them (pkg/volume/csi, pkg/volume/util). */
import { createHash } from 'node:crypto';
import type { PersistentVolume } from '../generated/types/core/v1.ts';

/** A volume of a driver. */
export interface DriverVolume {
  readonly driver: string;
  readonly handle: string;
}

const PLUGIN = 'kubernetes.io/csi/';

/** As nodes name it in their status: `kubernetes.io/csi/<driver>^<handle>`. */
export function uniqueName({ driver, handle }: DriverVolume): string {
  return `${PLUGIN}${driver}^${handle}`;
}

/** The inverse; undefined for volumes of other plugins. */
export function parseUniqueName(name: string): DriverVolume | undefined {
  if (!name.startsWith(PLUGIN)) return undefined;
  const [driver = '', handle, ...more] = name.slice(PLUGIN.length).split('^');
  return handle === undefined || more.length > 0 ? undefined : { driver, handle };
}

export function nameOfVolume({ spec }: PersistentVolume): string | undefined {
  const { driver, volumeHandle: handle } = spec?.csi ?? {};
  return driver && handle ? uniqueName({ driver, handle }) : undefined;
}

/** What the VolumeAttachment of a volume on a node is called. */
export function attachmentName({ driver, handle }: DriverVolume, node: string): string {
  return `csi-${createHash('sha256').update(`${handle}${driver}${node}`).digest('hex')}`;
}
