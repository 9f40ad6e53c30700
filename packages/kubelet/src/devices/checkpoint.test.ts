import { describe, expect, it } from 'vitest';
import { type CheckpointData, formatCheckpoint, parseCheckpoint } from './checkpoint.ts';

/** As kubelet 1.36 wrote them. */
const FILES: [string, string, CheckpointData][] = [
  [
    'nothing',
    '{"Data":{"PodDeviceEntries":null,"RegisteredDevices":{}},"Checksum":3467439661}',
    { PodDeviceEntries: null, RegisteredDevices: {} },
  ],
  [
    'resources',
    '{"Data":{"PodDeviceEntries":null,"RegisteredDevices":{"a.io/x":["d1","d0"],"b.io/x":[],"c.io/x":null}},"Checksum":79004460}',
    { PodDeviceEntries: null, RegisteredDevices: { 'a.io/x': ['d1', 'd0'], 'b.io/x': [], 'c.io/x': null } },
  ],
  [
    'pods',
    '{"Data":{"PodDeviceEntries":[{"PodUID":"u1","ContainerName":"c","ResourceName":"a.io/x","DeviceIDs":{"-1":["d1"],"10":["d2","d3"],"2":["ü"]},"AllocResp":"CgYKAUESATEaFwoGL2Rldi94EgkvZGV2L251bGwaAnJ3"},{"PodUID":"u2","ContainerName":"c","ResourceName":"a.io/x","DeviceIDs":{},"AllocResp":""}],"RegisteredDevices":{"a.io/x":["d1"]}},"Checksum":3870295172}',
    {
      PodDeviceEntries: [
        {
          PodUID: 'u1',
          ContainerName: 'c',
          ResourceName: 'a.io/x',
          DeviceIDs: { '-1': ['d1'], '2': ['ü'], '10': ['d2', 'd3'] },
          AllocResp: 'CgYKAUESATEaFwoGL2Rldi94EgkvZGV2L251bGwaAnJ3',
        },
        { PodUID: 'u2', ContainerName: 'c', ResourceName: 'a.io/x', DeviceIDs: {}, AllocResp: '' },
      ],
      RegisteredDevices: { 'a.io/x': ['d1'] },
    },
  ],
];

describe('a checkpoint of devices', () => {
  it.each(FILES)('of %s is read as upstream wrote it, and has its checksum', (_, text, data) => {
    expect(parseCheckpoint(text)).toEqual(data);
    expect(JSON.parse(formatCheckpoint(data))).toEqual(JSON.parse(text));
  });

  it('that was changed is refused', () => {
    expect(() => parseCheckpoint(FILES[0]![1].replace('{}', '{"a.io/x":[]}'))).toThrow('checkpoint is corrupted');
  });
});
