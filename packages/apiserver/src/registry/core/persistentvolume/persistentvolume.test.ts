import type { PersistentVolume, PersistentVolumeSpec } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { isEnabledByDefault } from '../../../gates.ts';
import { testContext, texts } from '../../testing.ts';
import { makePersistentVolumeRegistration } from './index.ts';

const { strategy, subresources, table } = makePersistentVolumeRegistration(isEnabledByDefault);
const ctx = testContext();
const BASE: PersistentVolumeSpec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] };

function volume(spec: PersistentVolumeSpec): PersistentVolume {
  const obj: PersistentVolume = { metadata: { name: 'a' }, spec: { ...BASE, ...structuredClone(spec) }, status: {} };
  strategy.defaults?.(obj, 'v1');
  return obj;
}

describe('PersistentVolume', () => {
  it.each<[PersistentVolumeSpec, string[]]>([
    [{ hostPath: { path: '/d' } }, []],
    [{}, ['spec: Required value: must specify a volume type']],
    [
      { hostPath: { path: '/a/../b' }, nfs: { server: '', path: 'x' } },
      [
        'spec.hostPath.path: Invalid value: "/a/../b": must not contain \'..\'',
        'spec.nfs: Forbidden: may not specify more than 1 volume type',
      ],
    ],
    [
      { nfs: { server: '', path: 'x' } },
      ['spec.nfs.server: Required value', 'spec.nfs.path: Invalid value: "x": must be an absolute path'],
    ],
    [
      { gcePersistentDisk: { pdName: '', partition: 256 } },
      [
        'spec.persistentDisk.pdName: Required value',
        'spec.persistentDisk.partition: Invalid value: 256: must be between 1 and 255, inclusive',
      ],
    ],
    [{ local: { path: '/d' } }, ['spec.nodeAffinity: Required value: Local volume requires node affinity']],
    [
      {
        local: { path: '/d' },
        nodeAffinity: { required: { nodeSelectorTerms: [{ matchFields: [{ key: 'x', operator: 'In' }] }] } },
      },
      [
        "spec.nodeAffinity.required.nodeSelectorTerms[0].matchFields[0].values: Required value: must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
        'spec.nodeAffinity.required.nodeSelectorTerms[0].matchFields[0].key: Invalid value: "x": not a valid field selector key',
      ],
    ],
    [
      { hostPath: { path: '/' }, persistentVolumeReclaimPolicy: 'Recycle' },
      ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
    ],
    [
      { hostPath: { path: '/d' }, capacity: { memory: '-1' } },
      [
        'spec.capacity: Unsupported value: {"memory":"-1"}: supported values: "storage"',
        'spec.capacity[memory]: Invalid value: -1: must be a valid resource quantity',
        'spec.capacity[memory]: Invalid value: "-1": must be greater than zero',
      ],
    ],
    [
      { hostPath: { path: '/d' }, accessModes: ['ReadWriteOncePod', 'ReadWriteMany', 'X'] },
      [
        'spec.accessModes: Unsupported value: "X": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"',
        'spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes',
      ],
    ],
    [
      { iscsi: { targetPortal: '', iqn: 'x', lun: 256, chapAuthSession: true } },
      [
        'spec.iscsi.targetPortal: Required value',
        'spec.iscsi.iqn: Invalid value: "x": must be valid format',
        'spec.iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive',
        'spec.iscsi.secretRef: Required value',
      ],
    ],
    [
      { csi: { driver: 'a_b', volumeHandle: '', nodePublishSecretRef: {} }, volumeAttributesClassName: '' },
      [
        expect.stringContaining('spec.csi.driver: Invalid value: "a_b": a lowercase RFC 1123 subdomain'),
        'spec.csi.volumeHandle: Required value',
        'spec.csi.nodePublishSecretRef.name: Required value',
        'spec.csi.nodePublishSecretRef.namespace: Required value',
        'spec.volumeAttributesClassName: Required value: an empty string is disallowed',
      ],
    ],
  ])('%j', (spec, expected) => expect(texts(strategy.validate?.(ctx, volume(spec)))).toEqual(expected));

  it('keeps its source, and shows what differs', () => {
    const [obj, old] = [volume({ hostPath: { path: '/other' } }), volume({ hostPath: { path: '/d' } })];
    expect(texts(strategy.validateUpdate?.(ctx, obj, old))).toEqual([
      `spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation
@@ -2,7 +2,7 @@
  "GCEPersistentDisk": null,
  "AWSElasticBlockStore": null,
  "HostPath": {
-  "Path": "/d",
+  "Path": "/other",
   "Type": ""
  },
  "Glusterfs": null,
`,
    ]);
  });

  it('lets labels of its node affinity move to their final names', () => {
    const affinity = (key: string) => ({
      hostPath: { path: '/d' },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [{ key, operator: 'Exists' }] }] } },
    });
    const old = volume(affinity('beta.kubernetes.io/os'));
    expect(texts(strategy.validateUpdate?.(ctx, volume(affinity('kubernetes.io/os')), old))).toEqual([]);
    expect(texts(strategy.validateUpdate?.(ctx, volume(affinity('kubernetes.io/arch')), old))).toEqual([
      'nodeAffinity: Invalid value: {"Required":{"NodeSelectorTerms":[{"MatchExpressions":[{"Key":"kubernetes.io/arch","Operator":"Exists","Values":null}],"MatchFields":null}]}}: field is immutable, except for updating from beta label to GA',
    ]);
  });

  it.each([
    ['Pending', undefined, 'old'],
    ['Bound', undefined, '2026-01-02T03:04:05Z'],
    ['Bound', 'own', 'own'],
    ['Bound', 'old', '2026-01-02T03:04:05Z'],
  ])('remembers when its phase became %s', (phase, given, expected) => {
    const old = volume({ hostPath: { path: '/d' } });
    old.status = { phase: 'Pending', lastPhaseTransitionTime: 'old' };
    const obj = structuredClone(old);
    obj.status = { phase, ...(given ? { lastPhaseTransitionTime: given } : {}) };
    subresources?.status?.strategy.prepareForUpdate?.(ctx, obj, old);
    expect(obj.status.lastPhaseTransitionTime).toBe(expected);
  });

  it('warns of sources of old', () =>
    expect(strategy.warningsOnCreate?.(ctx, volume({ rbd: { monitors: ['m'], image: 'i' } }))).toEqual([
      'spec.rbd: deprecated in v1.28, non-functional in v1.31+',
    ]));

  it('shows its claim', () => {
    const obj = volume({ hostPath: { path: '/d' }, claimRef: { namespace: 'n', name: 'c' }, storageClassName: 's' });
    expect(table?.row(obj).cells).toEqual([
      'a',
      '1Gi',
      'RWO',
      'Retain',
      'Pending',
      'n/c',
      's',
      '<unset>',
      '',
      '<unknown>',
      'Filesystem',
    ]);
  });
});
