import { expect, it } from 'vitest';
import { formatCheckpoint, parseCheckpoint } from './checkpoint.ts';

/** As kubelet 1.36 writes it. */
const DATA =
  '{"kind":"DRACheckpoint","apiVersion":"checkpoint.dra.kubelet.k8s.io/v1","ClaimInfoStateList":[{"ClaimUID":"c1","ClaimName":"one","Namespace":"ns","PodUIDs":{"u1":{}},"DriverState":{"a.test":{"Devices":[{"PoolName":"p","DeviceName":"d","ShareID":null,"RequestNames":["r"],"CDIDeviceIDs":["a.test/x=d"]},{"PoolName":"p","DeviceName":"e","ShareID":"s","RequestNames":null,"CDIDeviceIDs":null}]},"b.test":{"Devices":null}}}]}';
const CHECKSUM = 2008609278;

it('is read as upstream writes it, and written so', () => {
  const claims = parseCheckpoint(JSON.stringify({ Data: DATA, Checksum: CHECKSUM }));
  expect([...claims]).toEqual([
    [
      'ns/one',
      {
        uid: 'c1',
        name: 'one',
        namespace: 'ns',
        pods: new Set(['u1']),
        drivers: new Map([
          [
            'a.test',
            [
              { pool: 'p', device: 'd', shareId: undefined, requests: ['r'], cdiDevices: ['a.test/x=d'] },
              { pool: 'p', device: 'e', shareId: 's', requests: [], cdiDevices: [] },
            ],
          ],
          ['b.test', []],
        ]),
        isPrepared: false,
      },
    ],
  ]);
  expect(parseCheckpoint(formatCheckpoint(claims.values()))).toEqual(claims);
  expect(parseCheckpoint(formatCheckpoint([]))).toEqual(new Map());
});

it('that was changed is refused', () => {
  expect(() => parseCheckpoint(JSON.stringify({ Data: DATA.replace('u1', 'u2'), Checksum: CHECKSUM }))).toThrow(
    'checkpoint is corrupted',
  );
});
