/** What is to be done about a volume on a node (pkg/controller/volume/attachdetach/reconciler). */
import type { Node, PersistentVolume } from '@keelson/api/generated/types/core/v1';
import type { VolumeAttachment } from '@keelson/api/generated/types/storage/v1';

/** A node that does not answer may have a volume mounted for so long. */
export const UNMOUNT_WITHIN_MS = 6 * 60_000;
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

export interface Leaving {
  /** See uniqueName. */
  readonly name: string;
  readonly attachment: VolumeAttachment | undefined;
  /** Undefined when it is gone. */
  readonly node: Node | undefined;
  /** For how long nobody has wanted it there, in milliseconds. */
  readonly waitedMs: number;
  /** Whether nodes that are not ready are waited for no longer than UNMOUNT_WITHIN_MS. */
  readonly mayForce: boolean;
}

export type Departure =
  | { readonly type: 'gone' }
  /** Its node has it mounted. */
  | { readonly type: 'wait'; readonly afterMs: number | undefined }
  /** Its node must not mount it any more. */
  | { readonly type: 'unreport' }
  /** Where it is forced the node may have it mounted; else the server is asked. */
  | { readonly type: 'detach'; readonly forced?: 'timeout' | 'out-of-service' | undefined };

export function isReported(name: string, node: Node | undefined): boolean {
  return node?.status?.volumesAttached?.some((attached) => attached.name === name) ?? false;
}

/** Of a node that is gone nobody knows. */
export function isMounted(name: string, node: Node | undefined): boolean {
  return node ? (node.status?.volumesInUse?.includes(name) ?? false) : true;
}

export function departure({ name, attachment, node, waitedMs, mayForce }: Leaving): Departure {
  if (!attachment && !isReported(name, node)) return { type: 'gone' };
  const isReady = node?.status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  const isOutOfService = node?.spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) ?? false;
  const isExpired = mayForce && waitedMs > UNMOUNT_WITHIN_MS;
  if (isMounted(name, node) && !(isExpired && !isReady) && !isOutOfService) {
    return { type: 'wait', afterMs: mayForce && !isExpired ? UNMOUNT_WITHIN_MS - waitedMs + 1 : undefined };
  }
  if (isReported(name, node)) return { type: 'unreport' };
  return { type: 'detach', forced: isExpired ? 'timeout' : isOutOfService ? 'out-of-service' : undefined };
}

/** Whether several nodes may have it at a time. */
export function isShared({ spec }: PersistentVolume): boolean {
  const modes = spec?.accessModes ?? [];
  return modes.length === 0 || modes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany');
}

/** Why a volume that may be on one node only does not come to another, for a pod there. @param users pods on nodes that have it */
export function multiAttachError(
  volume: string,
  namespace: string | undefined,
  users: readonly { namespace?: string; name?: string }[],
): string {
  const local = users.filter((user) => user.namespace === namespace).map(({ name }) => name);
  const others = users.length - local.length;
  const elsewhere = `${others} pod(s) in different namespaces`;
  const and = others > 0 ? ` and ${elsewhere}` : '';
  const used = `Volume is already used by ${local.length > 0 ? `pod(s) ${local.join(', ')}${and}` : elsewhere}`;
  const exclusive = "Volume is already exclusively attached to one node and can't be attached to another";
  return `Multi-Attach error for volume "${volume}" ${users.length > 0 ? used : exclusive}`;
}
