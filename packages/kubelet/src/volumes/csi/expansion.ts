/** What is told of claims whose volumes grow on a node (pkg/volume/util/resize_util.go, operationexecutor/node_expander.go). */
import type { PersistentVolumeClaim, PersistentVolumeClaimCondition } from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';

const NOT_REQUIRED = 'volume.kubernetes.io/node-expansion-not-required';
const RESIZE_CONDITIONS = new Set(['FileSystemResizePending', 'Resizing', 'ControllerResizeError', 'NodeResizeError']);

export const sizeOf = (list: Readonly<Record<string, string>> | undefined): Quantity =>
  Quantity.parse(list?.storage ?? '0');

export type Permission =
  /** @param isTold the claim says already that it is done: another node was quicker */
  | { readonly type: 'grow'; readonly isTold: boolean; readonly givesUp: boolean }
  /** There is nothing to be done on this node. */
  | { readonly type: 'done' }
  /** Who makes the volume grow in the storage is not ready yet, or somebody has given up. */
  | { readonly type: 'wait' };

/** Whether whoever resizes claims in the cluster tells how far they are: else the node asks nobody. */
export function hasResizeStatus({ status }: PersistentVolumeClaim): boolean {
  return resizeStatusOf(status) !== '' || status?.allocatedResources !== undefined;
}

/** @param failedBefore with an error that another try will not mend */
export function permissionOf(claim: PersistentVolumeClaim, size: Quantity, failedBefore: boolean): Permission {
  const { metadata, spec, status } = claim;
  const resizing = resizeStatusOf(status);
  const isTold = resizing === '' && sizeOf(status?.capacity).cmp(size) >= 0;
  const givesUp = failedBefore && sizeOf(spec.resources?.requests).cmp(size) !== 0;
  const isEverywhere = spec.accessModes?.includes('ReadWriteMany') ?? false;
  if (isTold && isEverywhere && metadata.annotations?.[NOT_REQUIRED] === undefined) {
    return { type: 'grow', isTold, givesUp };
  }
  if (resizing === 'NodeResizePending' || resizing === 'NodeResizeInProgress')
    return { type: 'grow', isTold: false, givesUp };
  return { type: isTold ? 'done' : 'wait' };
}

/** Patches of a claim's status (strategic merge). */
export const inProgress = ({ metadata }: PersistentVolumeClaim): object => ({
  metadata: { resourceVersion: metadata.resourceVersion },
  status: { allocatedResourceStatuses: { storage: 'NodeResizeInProgress' } },
});

/** The claim has that size now, and none of the conditions of a way there. */
export function finished({ metadata, status }: PersistentVolumeClaim, size: Quantity): object {
  const gone = (status?.conditions ?? []).filter(({ type }) => RESIZE_CONDITIONS.has(type));
  return {
    metadata: { resourceVersion: metadata.resourceVersion },
    status: {
      capacity: { storage: size.toString() },
      allocatedResourceStatuses: { storage: null },
      ...(gone.length > 0 ? { conditions: gone.map(({ type }) => ({ $patch: 'delete', type })) } : {}),
    },
  };
}

/** @param isInfeasible another size has to be asked for. @param now as the API writes times */
export function failed({ status }: PersistentVolumeClaim, error: Error, isInfeasible: boolean, now: string): object {
  const condition: PersistentVolumeClaimCondition = {
    type: 'NodeResizeError',
    status: 'True',
    lastTransitionTime: now,
    message: `failed to expand pvc with ${error.message}`,
  };
  // As long as it holds, its first words stay.
  const isSaid = status?.conditions?.some(({ type, status: is }) => type === condition.type && is === 'True');
  return {
    status: {
      ...(isInfeasible ? { allocatedResourceStatuses: { storage: 'NodeResizeInfeasible' } } : {}),
      ...(isSaid ? {} : { conditions: [condition] }),
    },
  };
}

function resizeStatusOf(status: PersistentVolumeClaim['status']): string {
  return status?.allocatedResourceStatuses?.storage ?? '';
}
