import { expect, test } from 'vitest';
import { type HousekeepingFile, housekeepingOf } from './housekeeping.ts';

test('without a word all is as upstream has it', () => {
  const { eviction, ...rest } = housekeepingOf({ imageMinimumGCAge: '0s', evictionPressureTransitionPeriod: '0s' });
  expect(rest).toEqual({
    imageCollection: {
      highThresholdPercent: 85,
      lowThresholdPercent: 80,
      minimumAgeMs: 120_000,
      maximumAgeMs: 0,
    },
    maxStatusImages: 50,
    logRotation: { maxFiles: 5, maxSize: 10 * 2 ** 20, everyMs: 10_000 },
    systemLogs: true,
    systemLogQueries: false,
  });
  expect(eviction).toMatchObject({ transitionMs: 300_000, maxGraceSeconds: 0, limitStorage: true });
  expect(eviction.thresholds.map(({ signal }) => signal)).toEqual([
    'memory.available',
    'nodefs.available',
    'nodefs.inodesFree',
    'imagefs.available',
    'imagefs.inodesFree',
    'allocatableMemory.available',
  ]);
});

test.each([
  [{ evictionHard: { 'memory.available': '1Gi' }, enforceNodeAllocatable: ['none'] }, ['memory.available']],
  [{ evictionHard: { 'memory.available': '1Gi' } }, ['memory.available', 'allocatableMemory.available']],
  [{ evictionHard: {} }, []],
  [
    { evictionHard: { 'pid.available': '5%', 'imagefs.available': '0%' }, mergeDefaultEvictionSettings: true },
    [
      'memory.available',
      'nodefs.available',
      'nodefs.inodesFree',
      'imagefs.inodesFree',
      'pid.available',
      'allocatableMemory.available',
    ],
  ],
] satisfies [HousekeepingFile, string[]][])('%j are the hard thresholds', (file, want) =>
  expect(housekeepingOf(file).eviction.thresholds.map(({ signal }) => signal)).toEqual(want),
);

test.each([
  [
    { imageGCHighThresholdPercent: 101 },
    'invalid configuration: imageGCHighThresholdPercent (--image-gc-high-threshold) 101 must be between 0 and 100, inclusive',
  ],
  [
    { imageGCHighThresholdPercent: 80 },
    'invalid configuration: imageGCLowThresholdPercent (--image-gc-low-threshold) 80 must be less than imageGCHighThresholdPercent (--image-gc-high-threshold) 80',
  ],
  [
    { imageMaximumGCAge: '1m' },
    'invalid configuration: imageMaximumGCAge 1m0s must be greater than imageMinimumGCAge 2m0s',
  ],
  [
    { nodeStatusMaxImages: -2 },
    'invalid configuration: nodeStatusMaxImages (--node-status-max-images) -2 must be -1 or greater',
  ],
  [
    { containerLogMaxFiles: 1, containerLogMaxWorkers: 0 },
    '[invalid configuration: containerLogMaxWorkers must be greater than or equal to 1, invalid configuration: containerLogMaxFiles must be greater than 1]',
  ],
  [
    { containerLogMonitorInterval: '2s' },
    'invalid configuration: containerLogMonitorInterval must be a positive time duration greater than or equal to 3s',
  ],
  [
    { enableSystemLogQuery: true, enableSystemLogHandler: false },
    'invalid configuration: enableSystemLogHandler is required for enableSystemLogQuery',
  ],
  [
    { evictionSoft: { 'memory.available': '1Gi' } },
    'grace period must be specified for the soft eviction threshold memory.available',
  ],
  [{ containerLogMaxSize: '10x' }, 'failed to parse container log max size "10x"'],
] satisfies [HousekeepingFile, string][])('%j is refused', (file, message) =>
  expect(() => housekeepingOf(file)).toThrow(message),
);
