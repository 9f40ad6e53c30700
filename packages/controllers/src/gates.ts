import type { IsEnabled as IsGateEnabled } from '@keelson/component/featuregate/featuregate';

/** The feature gates that decide something in controllers. */
export const GATES = [
  'DRADeviceTaints',
  'DRAExtendedResource',
  'DeploymentReplicaSetTerminatingReplicas',
  'HPAConfigurableTolerance',
  'HPAScaleToZero',
  'MutableSchedulingDirectivesForSuspendedJobs',
  'PodDeletionCost',
  'PodLevelResources',
] as const;

export type Gate = (typeof GATES)[number];

export type IsEnabled = IsGateEnabled<Gate>;
