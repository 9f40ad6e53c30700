import type { PersistentVolume, PersistentVolumeClaim } from '@keelson/api/generated/types/core/v1';
import type { StorageClass } from '@keelson/api/generated/types/storage/v1';
import { describe, expect, test } from 'vitest';
import { decideClaim, decideVolume, reclaim } from './decide.ts';

const ref = (name: string, uid?: string) => ({ namespace: 'ns', name, ...(uid ? { uid } : {}) });
const volume = (
  name: string,
  size: string,
  more: Partial<PersistentVolume['spec']> = {},
  annotations = {},
): PersistentVolume => ({
  metadata: { name, annotations },
  spec: { capacity: { storage: size }, accessModes: ['ReadWriteOnce'], storageClassName: '', ...more },
  status: { phase: 'Available' },
});
const claim = (more: Partial<PersistentVolumeClaim['spec']> = {}, annotations = {}): PersistentVolumeClaim => ({
  metadata: { namespace: 'ns', name: 'c', uid: 'u', annotations },
  spec: { accessModes: ['ReadWriteOnce'], storageClassName: '', resources: { requests: { storage: '5Gi' } }, ...more },
  status: { phase: 'Pending' },
});
const classes: Readonly<Record<string, StorageClass>> = {
  late: { metadata: { name: 'late' }, provisioner: 'p', volumeBindingMode: 'WaitForFirstConsumer' },
  csi: { metadata: { name: 'csi' }, provisioner: 'csi.example.com', volumeBindingMode: 'Immediate' },
  local: { metadata: { name: 'local' }, provisioner: 'kubernetes.io/no-provisioner', volumeBindingMode: 'Immediate' },
};

function decide(given: PersistentVolumeClaim, volumes: PersistentVolume[] = [], pods: string[] = []) {
  const storageClass = (name: string) => classes[name];
  const defaultClass = () => 'csi';
  const decision = decideClaim(given, { volumes, storageClass, defaultClass, waitingPods: () => pods });
  if (decision.deed === 'bind') return `bind ${decision.volume.metadata.name}`;
  if (decision.deed === 'classify') return `classify ${decision.className}`;
  return `${decision.deed} ${decision.event?.reason ?? ''}`.trim();
}

function withoutClass(annotations = {}): PersistentVolumeClaim {
  const { spec, ...rest } = claim({}, annotations);
  const { storageClassName: _, ...unclassed } = spec;
  return { ...rest, spec: unclassed };
}

const bound = { 'pv.kubernetes.io/bind-completed': 'yes' };

describe('a claim', () => {
  test.each<[string, PersistentVolumeClaim, PersistentVolume[], string]>([
    [
      'takes the smallest that is large enough',
      claim(),
      [volume('big', '50Gi'), volume('small', '5Gi'), volume('tiny', '1Gi')],
      'bind small',
    ],
    ['without a class gets the default one', withoutClass(), [], 'classify csi'],
    ['without a class takes a volume without', withoutClass(), [volume('a', '5Gi')], 'bind a'],
    [
      'whose annotation names a class keeps to it',
      withoutClass({ 'volume.beta.kubernetes.io/storage-class': '' }),
      [],
      'wait FailedBinding',
    ],
    ['of another class does not fit', claim(), [volume('a', '5Gi', { storageClassName: 'x' })], 'wait FailedBinding'],
    [
      'takes the one that is good for less',
      claim(),
      [volume('many', '5Gi', { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'] }), volume('one', '9Gi')],
      'bind one',
    ],
    [
      'takes the one that was reserved',
      claim(),
      [volume('free', '5Gi'), volume('kept', '9Gi', { claimRef: ref('c') })],
      'bind kept',
    ],
    ['leaves what others have', claim(), [volume('a', '5Gi', { claimRef: ref('other', 'v') })], 'wait FailedBinding'],
    ['gets the one it names', claim({ volumeName: 'a' }), [volume('a', '5Gi')], 'bind a'],
    ['waits for the one it names', claim({ volumeName: 'a' }), [], 'wait'],
    [
      'is told that the one it names is too small',
      claim({ volumeName: 'a' }),
      [volume('a', '1Gi')],
      'wait VolumeMismatch',
    ],
    [
      'is told that the one it names is taken',
      claim({ volumeName: 'a' }),
      [volume('a', '5Gi', { claimRef: ref('other', 'v') })],
      'wait FailedBinding',
    ],
    [
      'goes on where it was interrupted',
      claim({ volumeName: 'a' }, bound),
      [volume('a', '5Gi', { claimRef: ref('c', 'u') })],
      'bind a',
    ],
    ['has lost its volume', claim({ volumeName: 'a' }, bound), [], 'lose ClaimLost'],
    [
      'has lost its volume to another',
      claim({ volumeName: 'a' }, bound),
      [volume('a', '5Gi', { claimRef: ref('c', 'v') })],
      'lose ClaimMisbound',
    ],
    ['is provisioned for', claim({ storageClassName: 'csi' }), [], 'provision ExternalProvisioning'],
    ['of a class without provisioner', claim({ storageClassName: 'local' }), [], 'wait ProvisioningFailed'],
    ['of no such class', claim({ storageClassName: 'none' }), [], 'wait ProvisioningFailed'],
    [
      'that waits for a consumer',
      claim({ storageClassName: 'late' }),
      [volume('a', '5Gi', { storageClassName: 'late' })],
      'wait WaitForFirstConsumer',
    ],
    [
      'for which a node was chosen',
      claim({ storageClassName: 'late' }, { 'volume.kubernetes.io/selected-node': 'n' }),
      [],
      'provision ExternalProvisioning',
    ],
  ])('%s', (_, given, volumes, expected) => {
    expect(decide(given, volumes)).toBe(expected);
  });

  test('that waits names the pods that wait with it', () => {
    expect(decide(claim({ storageClassName: 'late' }), [], ['p'])).toBe('wait WaitForPodScheduled');
  });
});

describe('a volume', () => {
  const provisioned = { 'pv.kubernetes.io/provisioned-by': 'csi.example.com' };
  test.each<[string, PersistentVolume, PersistentVolumeClaim | undefined, object]>([
    ['that nobody has', volume('a', '1Gi'), undefined, { deed: 'phase', phase: 'Available' }],
    [
      'that is kept for somebody',
      volume('a', '1Gi', { claimRef: ref('c') }),
      undefined,
      { deed: 'phase', phase: 'Available' },
    ],
    ['whose claim is gone', volume('a', '1Gi', { claimRef: ref('c', 'u') }), undefined, { deed: 'release' }],
    ['whose claim does not know yet', volume('a', '1Gi', { claimRef: ref('c', 'u') }), claim(), { deed: 'nothing' }],
    [
      'whose claim knows',
      volume('a', '1Gi', { claimRef: ref('c', 'u') }),
      claim({ volumeName: 'a' }),
      { deed: 'phase', phase: 'Bound' },
    ],
    [
      'whose claim has another',
      volume('a', '1Gi', { claimRef: ref('c', 'u') }),
      claim({ volumeName: 'b' }),
      { deed: 'unbind' },
    ],
    [
      'that was made for a claim which has another',
      volume('a', '1Gi', { claimRef: ref('c', 'u'), persistentVolumeReclaimPolicy: 'Delete' }, provisioned),
      claim({ volumeName: 'b' }),
      { deed: 'release' },
    ],
  ])('%s', (_, given, its, expected) => {
    expect(decideVolume(given, its)).toEqual(expected);
  });

  test('that is released is left to who made it, kept, or cannot be reclaimed here', () => {
    const of = (policy: string, annotations = {}) =>
      reclaim(volume('a', '1Gi', { persistentVolumeReclaimPolicy: policy }, annotations))?.reason;
    expect([of('Retain'), of('Delete', provisioned), of('Delete'), of('Recycle')]).toEqual([
      undefined,
      undefined,
      'VolumeFailedDelete',
      'VolumeFailedRecycle',
    ]);
  });
});
