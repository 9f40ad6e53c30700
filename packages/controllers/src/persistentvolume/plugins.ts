/** Which of upstream's plugins a volume is one of, as metrics name it (pkg/volume/util/metrics.go). */
import type { PersistentVolumeSpec, Volume } from '@keelson/api/generated/types/core/v1';

type Source = keyof PersistentVolumeSpec & keyof Volume;

/** Those that the controller manager knows; others have given way to drivers, or are the kubelet's alone. */
const PLUGINS: readonly [source: Source, name: string][] = [
  ['hostPath', 'kubernetes.io/host-path'],
  ['nfs', 'kubernetes.io/nfs'],
  ['fc', 'kubernetes.io/fc'],
  ['iscsi', 'kubernetes.io/iscsi'],
];

/** Of the volume's source; undefined where no plugin is known for it. */
export function pluginOf(source: Partial<Record<Source, unknown>> & { csi?: { driver: string } }): string | undefined {
  if (source.csi) return `kubernetes.io/csi:${source.csi.driver}`;
  return PLUGINS.find(([name]) => source[name] !== undefined)?.[1];
}
