import { describe, expect, it } from 'vitest';
import { deviceOptions } from './options.ts';
import type { DeviceGrant } from './types.ts';

const holding = (grant: Partial<DeviceGrant>) => ({
  devices: new Map(),
  grant: { envs: {}, mounts: [], devices: [], annotations: {}, cdiDevices: [], ...grant },
});

describe('deviceOptions', () => {
  it('puts together what is said of all resources; what was said first stays', () => {
    const options = deviceOptions([
      holding({
        envs: { A: '1' },
        mounts: [{ containerPath: '/m', hostPath: '/one', readOnly: true }],
        devices: [{ containerPath: '/dev/a', hostPath: '/dev/null', permissions: 'rw' }],
        annotations: { of: 'one' },
        cdiDevices: [{ name: 'v.io/d=0' }, { name: 'v.io/d=1' }],
      }),
      holding({
        envs: { A: '2', B: '2' },
        mounts: [{ containerPath: '/m', hostPath: '/two', readOnly: false }],
        devices: [
          { containerPath: '/dev/a', hostPath: '/dev/zero', permissions: 'r' },
          { containerPath: '/dev/b', hostPath: '/dev/zero', permissions: 'mrw' },
        ],
        annotations: { of: 'two', more: '' },
        cdiDevices: [{ name: 'v.io/d=1' }, { name: 'v.io/d=2' }],
      }),
    ]);
    expect(options).toEqual({
      env: new Map([
        ['A', '1'],
        ['B', '2'],
      ]),
      mounts: [
        {
          containerPath: '/m',
          hostPath: '/one',
          readOnly: true,
          recursiveReadOnly: false,
          selinuxRelabel: false,
          propagation: 'private',
        },
      ],
      devices: [
        { containerPath: '/dev/a', hostPath: '/dev/null', permissions: 'rw' },
        { containerPath: '/dev/b', hostPath: '/dev/zero', permissions: 'mrw' },
      ],
      annotations: { of: 'one', more: '' },
      cdiDevices: ['v.io/d=0', 'v.io/d=1', 'v.io/d=2'],
    });
  });
});
