/** How a volume is to be used, as drivers are told (VolumeCapability of CSI; pkg/volume/csi/csi_client.go). */
import type { CsiVolume } from './volume.ts';

export interface VolumeCapability {
  readonly accessMode: { readonly mode: string };
  readonly block?: Readonly<Record<string, never>>;
  readonly mount?: {
    readonly fsType: string;
    readonly mountFlags: readonly string[];
    readonly volumeMountGroup?: string;
  };
}

const MODES: Readonly<Record<string, string>> = {
  ReadWriteOnce: 'SINGLE_NODE_WRITER',
  ReadOnlyMany: 'MULTI_NODE_READER_ONLY',
  ReadWriteMany: 'MULTI_NODE_MULTI_WRITER',
  ReadWriteOncePod: 'SINGLE_NODE_WRITER',
};

/** Of drivers that tell one writer of a node from several (SINGLE_NODE_MULTI_WRITER). */
const FINE_MODES: Readonly<Record<string, string>> = {
  ...MODES,
  ReadWriteOnce: 'SINGLE_NODE_MULTI_WRITER',
  ReadWriteOncePod: 'SINGLE_NODE_SINGLE_WRITER',
};

export interface CapabilityOptions {
  /** Whether the driver has SINGLE_NODE_MULTI_WRITER. */
  readonly isFine: boolean;
  /** To whom it is to belong, where the driver sees to that (VOLUME_MOUNT_GROUP). */
  readonly group?: number | undefined;
}

export function capabilityOf(volume: CsiVolume, { isFine, group }: CapabilityOptions): VolumeCapability {
  const wanted = volume.accessModes?.[0] ?? 'ReadWriteOnce';
  const accessMode = { mode: (isFine ? FINE_MODES : MODES)[wanted] ?? 'UNKNOWN' };
  if (volume.isBlock) return { accessMode, block: {} };
  const mount = { fsType: volume.fsType, mountFlags: [...volume.mountOptions] };
  return { accessMode, mount: group === undefined ? mount : { ...mount, volumeMountGroup: String(group) } };
}
