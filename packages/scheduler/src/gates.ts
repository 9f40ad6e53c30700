import type { IsEnabled as IsGateEnabled } from '@keelson/component/featuregate/featuregate';

/** The feature gates that decide something in the scheduler. */
export const GATES = [
  'DRAConsumableCapacity',
  'DRADeviceBindingConditions',
  'DRADeviceTaints',
  'DRAExtendedResource',
  'DRAPartitionableDevices',
  'DRAPrioritizedList',
  'DRASchedulerFilterTimeout',
  'NodeDeclaredFeatures',
  'NominatedNodeNameForExpectation',
  'OpportunisticBatching',
  'SchedulerAsyncPreemption',
  'SchedulerPopFromBackoffQ',
] as const;

export type Gate = (typeof GATES)[number];

export type IsEnabled = IsGateEnabled<Gate>;
