import type { Node, PersistentVolume } from '@keelson/api/generated/types/core/v1';
import type { VolumeAttachment } from '@keelson/api/generated/types/storage/v1';
import { attachmentName, parseUniqueName, uniqueName } from '@keelson/api/resources/attachments';
import { describe, expect, it, test } from 'vitest';
import { type Departure, departure, isShared, multiAttachError, UNMOUNT_WITHIN_MS } from './decide.ts';

const volume = { driver: 'd.example.com', handle: 'h/1' };
const name = uniqueName(volume);

test('names of volumes and attachments', () => {
  expect(name).toBe('kubernetes.io/csi/d.example.com^h/1');
  expect(parseUniqueName(name)).toEqual(volume);
  expect(parseUniqueName('kubernetes.io/iscsi/x')).toBe(undefined);
  // printf 'h/1d.example.comn1' | sha256sum
  expect(attachmentName(volume, 'n1')).toBe('csi-8107d67c38645a4fab3aa37ae2e184420f89360acc3cd7af9010eb3e6a7930d9');
});

interface Given {
  attached?: boolean;
  reported?: boolean;
  inUse?: boolean;
  ready?: boolean;
  outOfService?: boolean;
  gone?: boolean;
  waitedMs?: number;
  mayForce?: boolean;
}

function next(given: Given): Departure {
  const { attached = true, reported = true, inUse = false, ready = true, waitedMs = 0, mayForce = true } = given;
  const node = {
    metadata: { name: 'n' },
    spec: { taints: given.outOfService ? [{ key: 'node.kubernetes.io/out-of-service', effect: 'NoExecute' }] : [] },
    status: {
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'Unknown' }],
      volumesAttached: reported ? [{ name, devicePath: '' }] : [],
      volumesInUse: inUse ? [name] : [],
    },
  };
  const attachment: VolumeAttachment = {
    metadata: { name: 'a' },
    spec: { attacher: 'd', nodeName: 'n', source: {} },
    status: { attached: true },
  };
  return departure({
    name,
    attachment: attached ? attachment : undefined,
    node: given.gone ? undefined : (node as unknown as Node),
    waitedMs,
    mayForce,
  });
}

const late = UNMOUNT_WITHIN_MS + 1;
test.each<[string, Given, Departure]>([
  ['is nowhere', { attached: false, reported: false }, { type: 'gone' }],
  ['is told of still', {}, { type: 'unreport' }],
  ['is told of without an attachment', { attached: false }, { type: 'unreport' }],
  ['is not told of', { reported: false }, { type: 'detach' }],
  ['is in use', { inUse: true }, { type: 'wait', afterMs: UNMOUNT_WITHIN_MS + 1 }],
  ['is in use for long', { inUse: true, waitedMs: late }, { type: 'wait', afterMs: undefined }],
  [
    'is in use for long on a node that is not ready',
    { inUse: true, ready: false, waitedMs: late },
    { type: 'unreport' },
  ],
  [
    'is to be taken from a node that is not ready',
    { inUse: true, ready: false, reported: false, waitedMs: late },
    { type: 'detach', forced: 'timeout' },
  ],
  [
    'may not be taken by force',
    { inUse: true, ready: false, waitedMs: late, mayForce: false },
    { type: 'wait', afterMs: undefined },
  ],
  ['is in use on a node out of service', { inUse: true, outOfService: true }, { type: 'unreport' }],
  [
    'is on a node out of service',
    { inUse: true, outOfService: true, reported: false },
    { type: 'detach', forced: 'out-of-service' },
  ],
  ['was on a node that is gone', { gone: true }, { type: 'wait', afterMs: UNMOUNT_WITHIN_MS + 1 }],
  ['was on a node that is gone for long', { gone: true, waitedMs: late }, { type: 'detach', forced: 'timeout' }],
])('a volume that nobody wants and that %s', (_, given, expected) => {
  expect(next(given)).toEqual(expected);
});

test.each<[string[] | undefined, boolean]>([
  [undefined, true],
  [['ReadWriteOnce'], false],
  [['ReadWriteOncePod'], false],
  [['ReadWriteOnce', 'ReadOnlyMany'], true],
  [['ReadWriteMany'], true],
])('a volume of modes %j may be on several nodes: %s', (accessModes, expected) => {
  const spec = accessModes ? { accessModes } : {};
  expect(isShared({ metadata: { name: 'v' }, spec } as PersistentVolume)).toBe(expected);
});

describe('a volume that another node has', () => {
  it.each<[string, string[], string]>([
    [
      'nobody is known to use',
      [],
      "Volume is already exclusively attached to one node and can't be attached to another",
    ],
    ['pods of the namespace use', ['ns/a', 'ns/b'], 'Volume is already used by pod(s) a, b'],
    ['others use as well', ['ns/a', 'x/b'], 'Volume is already used by pod(s) a and 1 pod(s) in different namespaces'],
    ['others use', ['x/a', 'y/b'], 'Volume is already used by 2 pod(s) in different namespaces'],
  ])('and %s', (_, keys, reason) => {
    const users = keys.map((key) => ({ namespace: key.split('/')[0]!, name: key.split('/')[1]! }));
    expect(multiAttachError('v', 'ns', users)).toBe(`Multi-Attach error for volume "v" ${reason}`);
  });
});
