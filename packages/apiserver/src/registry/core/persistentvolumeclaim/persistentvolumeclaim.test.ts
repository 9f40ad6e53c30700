import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { isEnabledByDefault } from '../../../gates.ts';
import { testContext, texts } from '../../testing.ts';
import { makePersistentVolumeClaimRegistration } from './index.ts';

const { strategy, subresources, table } = makePersistentVolumeClaimRegistration(isEnabledByDefault);
const ctx = testContext();

function claim(spec: Partial<PersistentVolumeClaimSpec> = {}, phase = 'Pending'): PersistentVolumeClaim {
  const obj: PersistentVolumeClaim = {
    metadata: { name: 'a' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } }, ...structuredClone(spec) },
    status: { phase },
  };
  strategy.defaults?.(obj, 'v1');
  return obj;
}
const asking = (storage: string): Partial<PersistentVolumeClaimSpec> => ({ resources: { requests: { storage } } });

describe('PersistentVolumeClaim', () => {
  it.each<[Partial<PersistentVolumeClaimSpec>, string[]]>([
    [{}, []],
    [{ accessModes: [] }, ['spec.accessModes: Required value: at least 1 access mode is required']],
    [{ resources: {} }, ['spec.resources[storage]: Required value']],
    [asking('0'), ['spec.resources[storage]: Invalid value: "0": must be greater than zero']],
    [{ volumeMode: 'x' }, ['spec.volumeMode: Unsupported value: "x": supported values: "Block", "Filesystem"']],
    [
      { dataSource: { apiGroup: null, kind: 'Pod', name: '' } },
      [
        'spec.dataSource.name: Required value',
        `spec.dataSource: Invalid value: "Pod": must be 'PersistentVolumeClaim' when referencing the default apiGroup`,
      ],
    ],
  ])('%j', (spec, expected) => expect(texts(strategy.validate?.(ctx, claim(spec)))).toEqual(expected));

  it.each<[Partial<PersistentVolumeClaimSpec>, Partial<PersistentVolumeClaimSpec>]>([
    [
      { dataSource: { apiGroup: null, kind: 'PersistentVolumeClaim', name: 'x' } },
      { dataSourceRef: { apiGroup: null, kind: 'PersistentVolumeClaim', name: 'x' } },
    ],
    [
      { dataSourceRef: { apiGroup: 'a.b', kind: 'K', name: 'x' } },
      { dataSource: { apiGroup: 'a.b', kind: 'K', name: 'x' } },
    ],
  ])('fills in the other data source: %j', (spec, more) => {
    const obj = claim(spec);
    strategy.prepareForCreate?.(ctx, obj);
    expect(obj.spec).toMatchObject({ ...spec, ...more });
  });

  it('drops data sources of other kinds, and of other namespaces', () => {
    const obj = claim({ dataSource: { apiGroup: 'a.b', kind: 'K', name: 'x' } });
    strategy.prepareForCreate?.(ctx, obj);
    expect(obj.spec).not.toHaveProperty('dataSource');
    const far = claim({ dataSourceRef: { apiGroup: 'a.b', kind: 'K', name: 'x', namespace: 'n' } });
    strategy.prepareForCreate?.(ctx, far);
    expect(far.spec).not.toHaveProperty('dataSourceRef');
  });

  it.each<[string, PersistentVolumeClaim, PersistentVolumeClaim, string[]]>([
    ['is bound once', claim({ volumeName: 'v' }), claim(), []],
    ['gets a class where it had none', claim({ storageClassName: 's' }), claim(), []],
    ['grows when bound', claim(asking('3Gi'), 'Bound'), claim({}, 'Bound'), []],
    ['does not care how an amount is written', claim(asking('2048Mi')), claim(), []],
    [
      'does not grow before',
      claim(asking('3Gi')),
      claim(),
      [expect.stringContaining('-   "storage": "2Gi"\n+   "storage": "3Gi"\n')],
    ],
    [
      'does not change its class',
      claim({ storageClassName: 's' }),
      claim({ storageClassName: 't' }),
      [expect.stringMatching(/^spec: Forbidden: spec is immutable after creation except/)],
    ],
    [
      'does not change its mode',
      claim({ volumeMode: 'Block' }),
      claim(),
      [expect.stringMatching(/^spec: Forbidden/), 'volumeMode: Invalid value: "Block": field is immutable'],
    ],
  ])('%s', (_name, obj, old, expected) => expect(texts(strategy.validateUpdate?.(ctx, obj, old))).toEqual(expected));

  it('shrinks no further than what it has', () => {
    const old = claim(asking('3Gi'), 'Bound');
    old.status.capacity = { storage: '1Gi' };
    const shrink = (storage: string) => {
      const obj = claim(asking(storage), 'Bound');
      obj.status = old.status;
      return texts(strategy.validateUpdate?.(ctx, obj, old));
    };
    expect(shrink('2Gi')).toEqual([]);
    expect(shrink('1Gi')).toEqual([
      'spec.resources.requests.storage: Forbidden: field can not be less than status.capacity',
    ]);
  });

  it('checks the state of its expansion', () => {
    const obj = claim();
    obj.status = { allocatedResources: { cpu: '1' }, allocatedResourceStatuses: { storage: 'x' } };
    expect(texts(subresources?.status?.strategy.validateUpdate?.(ctx, obj, claim()))).toEqual([
      'status.allocatedResourceStatuses: Unsupported value: "storage": supported values: "ControllerResizeInProgress", "ControllerResizeInfeasible", "NodeResizeInProgress", "NodeResizeInfeasible", "NodeResizePending"',
      'status.allocatedResources: Unsupported value: "cpu": supported values: "storage"',
    ]);
  });

  it('shows its size once it is bound', () => {
    const obj = claim({ volumeName: 'v' }, 'Bound');
    obj.status = { ...obj.status, capacity: { storage: '5Gi' }, accessModes: ['ReadWriteMany'] };
    expect(table?.row(claim()).cells.slice(1, 5)).toEqual(['Pending', '', '', '']);
    expect(table?.row(obj).cells.slice(1, 5)).toEqual(['Bound', 'v', '5Gi', 'RWX']);
  });
});
