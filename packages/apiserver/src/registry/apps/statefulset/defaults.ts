import type { StatefulSet } from '@keelson/api/generated/types/apps/v1';
import type { PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import { roundToMilli } from '@keelson/api/resources/list';
import { defaultPodTemplate } from '../../core/pod/specdefaults.ts';

/** @param tellsUnavailable whether a rolling update says how many pods may be missing */
export function defaults({ spec }: StatefulSet, tellsUnavailable = false): void {
  const { updateStrategy } = spec;
  spec.podManagementPolicy ||= 'OrderedReady';
  if (!updateStrategy.type) {
    updateStrategy.type = 'RollingUpdate';
    updateStrategy.rollingUpdate ??= {};
  }
  if (updateStrategy.rollingUpdate) {
    updateStrategy.rollingUpdate.partition ??= 0;
    if (tellsUnavailable && updateStrategy.type === 'RollingUpdate') updateStrategy.rollingUpdate.maxUnavailable ??= 1;
  }
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  defaultPodTemplate(spec.template);
  for (const claim of spec.volumeClaimTemplates ?? []) defaultClaim(claim);
}

function defaultClaim(claim: PersistentVolumeClaim): void {
  claim.apiVersion = 'v1';
  claim.kind = 'PersistentVolumeClaim';
  claim.status.phase ||= 'Pending';
  claim.spec.volumeMode ??= 'Filesystem';
  roundToMilli(claim.spec.resources?.limits);
  roundToMilli(claim.spec.resources?.requests);
  roundToMilli(claim.status.capacity);
  roundToMilli(claim.status.allocatedResources);
}
