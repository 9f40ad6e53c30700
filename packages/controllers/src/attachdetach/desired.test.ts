import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { TypedObject } from '@keelson/api/object';
import { type Lister, storeKey } from '@keelson/client';
import { describe, expect, it, test } from 'vitest';
import { Desired, type Known, neededBy } from './desired.ts';

interface Given {
  node?: string;
  phase?: string;
  deleted?: boolean;
  running?: boolean;
  managed?: boolean;
  claimPhase?: string;
  boundTo?: string;
  attachRequired?: boolean;
  ephemeral?: boolean;
  owner?: string;
}

function lister<T extends TypedObject>(object: unknown): Lister<T> {
  const typed = object as T;
  return { get: (key: string) => (key === storeKey(typed) ? typed : undefined) } as Lister<T>;
}

const driver = 'd.example.com';
const NAME = 'kubernetes.io/csi/d.example.com^h';

function known({ managed = true, claimPhase = 'Bound', boundTo = 'c', attachRequired, owner = 'u' }: Given): Known {
  const annotations = managed ? { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' } : {};
  const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: owner, controller: true }];
  return {
    nodes: lister({ metadata: { name: 'n', annotations } }),
    claims: lister({
      metadata: { namespace: 'ns', name: 'p-v', uid: 'c', ownerReferences },
      spec: { volumeName: 'pv' },
      status: { phase: claimPhase },
    }),
    volumes: lister({
      metadata: { name: 'pv' },
      spec: { csi: { driver, volumeHandle: 'h' }, claimRef: { uid: boundTo } },
    }),
    drivers: lister(
      attachRequired === undefined ? { metadata: {} } : { metadata: { name: driver }, spec: { attachRequired } },
    ),
  };
}

function pod({ node = 'n', phase = 'Running', deleted, running = true, ephemeral }: Given = {}): Pod {
  const source = ephemeral ? { ephemeral: {} } : { persistentVolumeClaim: { claimName: 'p-v' } };
  const state = running ? { running: {} } : { terminated: { exitCode: 0 } };
  return {
    metadata: {
      namespace: 'ns',
      name: 'p',
      uid: 'u',
      ...(deleted ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
    },
    spec: {
      nodeName: node,
      containers: [],
      volumes: [
        { name: 'token', projected: {} },
        { name: 'v', ...source },
      ],
    },
    status: { phase, containerStatuses: [{ name: 'c', state }] },
  } as unknown as Pod;
}

test.each<[string, Given, boolean]>([
  ['runs', {}, true],
  ['has a volume of its own', { ephemeral: true }, true],
  ['has a claim that was made for another', { ephemeral: true, owner: 'v' }, false],
  ['is over', { phase: 'Failed' }, false],
  ['is leaving, while it runs', { deleted: true }, true],
  ['is leaving, and has stopped', { deleted: true, running: false }, false],
  ['is on a node that does without', { managed: false }, false],
  ['is on a node that is not known', { node: 'm' }, false],
  ['has a claim that is not bound', { claimPhase: 'Pending' }, false],
  ['has a claim whose volume is that of another', { boundTo: 'd' }, false],
  ['has a volume whose driver wants it', { attachRequired: true }, true],
  ['has a volume whose driver does without', { attachRequired: false }, false],
])('a pod that %s', (_, given, expected) => {
  expect(neededBy(pod(given), known(given)).map(({ name }) => name)).toEqual(expected ? [NAME] : []);
});

describe('users of a volume', () => {
  it('come and go', () => {
    const desired = new Desired(known({}));
    expect([...desired.look(pod())]).toEqual([NAME]);
    expect([...desired.usersOf(NAME).keys()]).toEqual(['n']);
    expect([...desired.look(pod({ phase: 'Succeeded' }))]).toEqual([NAME]);
    expect(desired.usersOf(NAME).size).toBe(0);
    desired.look(pod());
    expect([...desired.forget(pod())]).toEqual([NAME]);
    expect([...desired.forget(pod())]).toEqual([]);
  });
});
