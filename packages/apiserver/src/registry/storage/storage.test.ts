import type {
  CSIDriver,
  CSIDriverSpec,
  CSINode,
  CSINodeDriver,
  CSIStorageCapacity,
  StorageClass,
  VolumeAttachment,
  VolumeAttachmentSource,
} from '@keelson/api/generated/types/storage/v1';
import { describe, expect, it } from 'vitest';
import { testContext, texts } from '../testing.ts';
import { registration as csiDriver } from './csidriver/index.ts';
import { registration as csiNode } from './csinode/index.ts';
import { registration as capacity } from './csistoragecapacity/index.ts';
import { registration as storageClass } from './storageclass/index.ts';
import { registration as attachment } from './volumeattachment/index.ts';
import { registration as attributesClass } from './volumeattributesclass/index.ts';

const ctx = testContext();
const metadata = { name: 'a', resourceVersion: '1' };

describe('StorageClass', () => {
  const make = (rest: Partial<StorageClass> = {}): StorageClass => {
    const obj: StorageClass = { metadata: { ...metadata }, provisioner: 'a.b/c', ...rest };
    storageClass.strategy.defaults?.(obj, 'v1');
    return obj;
  };
  const topology = (key: string, ...values: string[]) => ({ matchLabelExpressions: [{ key, values }] });

  it.each<[Partial<StorageClass>, string[]]>([
    [{}, []],
    [{ provisioner: '' }, ['provisioner: Required value']],
    [
      { reclaimPolicy: 'Recycle' },
      ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'],
    ],
    [
      { volumeBindingMode: 'x' },
      ['volumeBindingMode: Unsupported value: "x": supported values: "Immediate", "WaitForFirstConsumer"'],
    ],
    [{ parameters: { '': 'x' } }, ['parameters: Invalid value: "": field can not be empty.']],
    [
      { allowedTopologies: [topology('k', 'v', 'w'), topology('k', 'w', 'v')] },
      ['allowedTopologies[1].matchLabelExpressions: Duplicate value: ""'],
    ],
    [{ allowedTopologies: [topology('k')] }, ['allowedTopologies[0].matchLabelExpressions[0].values: Required value']],
  ])('%j', (rest, expected) => expect(texts(storageClass.strategy.validate?.(ctx, make(rest)))).toEqual(expected));

  it('does not change', () => {
    const obj = make({ provisioner: 'x', parameters: { a: 'b' }, reclaimPolicy: 'Retain', allowVolumeExpansion: true });
    expect(texts(storageClass.strategy.validateUpdate?.(ctx, obj, make()))).toEqual([
      'parameters: Invalid value: {"a":"b"}: field is immutable',
      'provisioner: Invalid value: "x": field is immutable',
      'reclaimPolicy: Invalid value: "Retain": field is immutable',
    ]);
  });

  it('shows whether it is the default', () => {
    const obj = make({
      metadata: { name: 'a', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    });
    expect(storageClass.table?.row(obj).cells[0]).toBe('a (default)');
  });
});

describe('CSIDriver', () => {
  const make = (spec: CSIDriverSpec = {}): CSIDriver => {
    const obj: CSIDriver = { metadata: { ...metadata }, spec: structuredClone(spec) };
    csiDriver.strategy.defaults?.(obj, 'v1');
    return obj;
  };
  it.each<[CSIDriverSpec, string[]]>([
    [{}, []],
    [
      { fsGroupPolicy: 'x', volumeLifecycleModes: ['y'] },
      [
        'spec.fsGroupPolicy: Unsupported value: "x": supported values: "File", "None", "ReadWriteOnceWithFSType"',
        'spec.volumeLifecycleModes: Unsupported value: "y": supported values: "Persistent", "Ephemeral"',
      ],
    ],
    [
      { tokenRequests: [{ audience: 'a', expirationSeconds: 599 }, { audience: 'a' }] },
      [
        'spec.tokenRequests[0].expirationSeconds: Invalid value: 599: may not specify a duration less than 10 minutes',
        'spec.tokenRequests[1].audience: Duplicate value: "a"',
      ],
    ],
    [
      { nodeAllocatableUpdatePeriodSeconds: 9, serviceAccountTokenInSecrets: true },
      [
        'spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds',
        'spec.serviceAccountTokenInSecrets: Invalid value: true: serviceAccountTokenInSecrets is set but no tokenRequests are specified',
      ],
    ],
  ])('%j', (spec, expected) => expect(texts(csiDriver.strategy.validate?.(ctx, make(spec)))).toEqual(expected));

  it('has a generation from its first change on', () => {
    const old = make();
    csiDriver.strategy.prepareForCreate?.(ctx, old);
    expect(old.metadata.generation).toBeUndefined();
    const obj = make({ podInfoOnMount: true });
    csiDriver.strategy.prepareForUpdate?.(ctx, obj, old);
    expect(obj.metadata.generation).toBe(1);
  });
});

describe('CSINode', () => {
  const make = (...drivers: CSINodeDriver[]): CSINode => ({ metadata: { ...metadata }, spec: { drivers } });
  const driver = (rest: Partial<CSINodeDriver> = {}): CSINodeDriver => ({
    name: 'd',
    nodeID: 'n',
    topologyKeys: null,
    ...rest,
  });

  it.each<[CSINode, string[]]>([
    [make(driver()), []],
    [make(driver(), driver()), ['spec.drivers[1].name: Duplicate value: "d"']],
    [
      make(driver({ nodeID: '', allocatable: { count: -1 }, topologyKeys: ['k', 'k'] })),
      [
        'spec.drivers[0].nodeID: Required value',
        'spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0',
        'spec.drivers[0]: Duplicate value: "k"',
      ],
    ],
  ])('%#', (obj, expected) => expect(texts(csiNode.strategy.validate?.(ctx, obj))).toEqual(expected));

  it('lets only limits of drivers change', () => {
    const old = make(driver());
    expect(texts(csiNode.strategy.validateUpdate?.(ctx, make(driver({ allocatable: { count: 1 } })), old))).toEqual([]);
    expect(texts(csiNode.strategy.validateUpdate?.(ctx, make(driver({ nodeID: 'm' })), old))).toEqual([
      'spec.drivers: Invalid value: {"Name":"d","NodeID":"m","TopologyKeys":null,"Allocatable":null}: field is immutable',
    ]);
  });
});

it('CSIStorageCapacity is checked, and what it is about stays', () => {
  const make = (rest: Partial<CSIStorageCapacity>): CSIStorageCapacity => ({
    metadata,
    storageClassName: 's',
    ...rest,
  });
  expect(texts(capacity.strategy.validate?.(ctx, make({ capacity: '-1', storageClassName: '' })))).toEqual([
    expect.stringContaining('storageClassName: Invalid value: "": a lowercase RFC 1123 subdomain'),
    'capacity: Invalid value: "-1": must be greater than or equal to 0',
  ]);
  const changed = make({ storageClassName: 't', nodeTopology: { matchLabels: { a: 'b' } } });
  expect(texts(capacity.strategy.validateUpdate?.(ctx, changed, make({})))).toEqual([
    'nodeTopology: Invalid value: {"matchLabels":{"a":"b"}}: field is immutable',
    'storageClassName: Invalid value: "t": field is immutable',
  ]);
});

describe('VolumeAttachment', () => {
  const make = (source: VolumeAttachmentSource): VolumeAttachment => ({
    metadata,
    spec: { attacher: 'd', nodeName: 'n', source },
    status: { attached: false },
  });
  const inlineVolumeSpec = { accessModes: ['ReadWriteOnce'], hostPath: { path: '/d' }, capacity: { storage: '1' } };

  it.each<[VolumeAttachmentSource, string[]]>([
    [{ persistentVolumeName: 'v' }, []],
    [{}, ['spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName']],
    [
      { persistentVolumeName: 'v', inlineVolumeSpec },
      ['spec.source: Forbidden: must specify exactly one of inlineVolumeSpec and persistentVolumeName'],
    ],
    [
      { inlineVolumeSpec },
      [
        'spec.source.inlineVolumeSpec.capacity: Forbidden: may not be specified in the context of inline volumes',
        'spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes',
      ],
    ],
  ])('%j', (source, expected) => expect(texts(attachment.strategy.validate?.(ctx, make(source)))).toEqual(expected));

  it('keeps its spec', () =>
    expect(
      texts(
        attachment.strategy.validateUpdate?.(
          ctx,
          make({ persistentVolumeName: 'w' }),
          make({ persistentVolumeName: 'v' }),
        ),
      ),
    ).toEqual([
      'spec: Invalid value: {"Attacher":"d","Source":{"PersistentVolumeName":"w","InlineVolumeSpec":null},"NodeName":"n"}: field is immutable',
    ]));
});

it('VolumeAttributesClass has parameters, and keeps them', () => {
  const make = (parameters: Record<string, string>) => ({ metadata, driverName: 'd', parameters });
  expect(texts(attributesClass.strategy.validate?.(ctx, make({})))).toEqual([
    'parameters: Required value: must contain at least one key/value pair',
  ]);
  expect(texts(attributesClass.strategy.validateChange?.(make({ a: '1' }), make({ a: '2' })))).toEqual([
    'parameters: Forbidden: updates to parameters are forbidden.',
  ]);
});
