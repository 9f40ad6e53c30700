import type { ControllerRevision, StatefulSet, StatefulSetSpec } from '@keelson/api/generated/types/apps/v1';
import type { PersistentVolumeClaim, Pod } from '@keelson/api/generated/types/core/v1';
import type { OwnerReference } from '@keelson/api/object';
import { describe, expect, it } from 'vitest';
import { dataOf } from '../history/revisions.ts';
import { hasOtherController, isOfFormerPod, ownersWanted } from './claims.ts';
import { type Action, type Observed, plan, statusOf } from './plan.ts';
import { claimsOf, isItself, madeItself, newPod } from './pods.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [] } };
const set = (spec: Partial<StatefulSetSpec> = {}): StatefulSet => ({
  metadata: { name: 'web', namespace: 'ns', uid: 'web', generation: 2 },
  spec: {
    replicas: 3,
    serviceName: 'svc',
    selector: { matchLabels: { app: 'web' } },
    template,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
    ...spec,
  },
  status: { replicas: 0, availableReplicas: 0 },
});
const revision = (name: string): ControllerRevision => ({ metadata: { name }, revision: 1, data: dataOf(template) });
interface Given {
  of?: string;
  phase?: string;
  ready?: boolean;
  leaving?: boolean;
}
const pod = (ordinal: number, { of = 'new', phase = 'Running', ready = true, leaving }: Given = {}): Pod => ({
  metadata: {
    name: `web-${ordinal}`,
    namespace: 'ns',
    uid: `web-${ordinal}`,
    labels: { 'controller-revision-hash': of },
    ...(leaving ? { deletionTimestamp: '2026-01-01T00:59:00Z' } : {}),
  },
  spec: { containers: [] },
  status: {
    phase,
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  },
});
const observe = (of: StatefulSet, pods: Pod[], more: Partial<Observed> = {}): Observed => ({
  set: of,
  pods,
  current: revision('old'),
  update: revision('new'),
  now: NOW,
  hasFormerClaims: () => false,
  isRight: () => true,
  claimsAreRight: () => true,
  ...more,
});
const said = (action: Action) =>
  action.do === 'create'
    ? `create ${action.ordinal} ${action.revision.metadata.name}`
    : `${action.do} ${action.pod.metadata.name}`;
const steps = (of: StatefulSet, pods: Pod[], more: Partial<Observed> = {}) =>
  plan(observe(of, pods, more))
    .flat()
    .map(said);

const parallel = { podManagementPolicy: 'Parallel' };
const partition = (from: number, maxUnavailable?: number) => ({
  updateStrategy: {
    type: 'RollingUpdate',
    rollingUpdate: { partition: from, ...(maxUnavailable ? { maxUnavailable } : {}) },
  },
});

describe('in order', () => {
  it.each<[string, Partial<StatefulSetSpec>, Pod[], string[]]>([
    ['the first', {}, [], ['create 0 new']],
    ['the next, when the one before is ready', {}, [pod(0)], ['create 1 new']],
    ['waits for one that is not ready', {}, [pod(0, { ready: false })], []],
    ['waits for one that is leaving', {}, [pod(0, { leaving: true })], []],
    ['from the start ordinal', { ordinals: { start: 5 } }, [pod(5)], ['create 6 new']],
    ['below the partition as it was', partition(2), [pod(0)], ['create 1 old']],
    ['failed ones go', {}, [pod(0), pod(1, { phase: 'Failed' }), pod(2)], ['delete web-1']],
    ['claims of a pending one are looked after', {}, [pod(0, { phase: 'Pending', ready: false })], ['claim web-0']],
    ['too many: the last goes', { replicas: 1 }, [pod(0), pod(1), pod(2)], ['delete web-2']],
    ['too many: one at a time', { replicas: 1 }, [pod(0), pod(1), pod(2, { leaving: true })], []],
    [
      'too many: an unhealthy one below holds it up',
      { replicas: 1 },
      [pod(0), pod(1, { ready: false }), pod(2, { ready: false })],
      [],
    ],
    [
      'too many: it is the unhealthy one itself',
      { replicas: 1 },
      [pod(0), pod(1), pod(2, { ready: false })],
      ['delete web-2'],
    ],
    [
      'update: the last first',
      {},
      [pod(0, { of: 'old' }), pod(1, { of: 'old' }), pod(2, { of: 'old' })],
      ['delete web-2'],
    ],
    ['update: waits', {}, [pod(0, { of: 'old' }), pod(1, { of: 'old' }), pod(2, { ready: false })], []],
    ['update: down to the partition', partition(1), [pod(0, { of: 'old' }), pod(1), pod(2)], []],
    [
      'update: several at once',
      partition(0, 2),
      [pod(0, { of: 'old' }), pod(1, { of: 'old' }), pod(2, { of: 'old' })],
      ['delete web-2', 'delete web-1'],
    ],
    ['on delete: nothing', { updateStrategy: { type: 'OnDelete' } }, [pod(0, { of: 'old' }), pod(1), pod(2)], []],
    ['ready for too short a time', { minReadySeconds: 7200 }, [pod(0)], []],
  ])('%s', (_, spec, pods, expected) => expect(steps(set(spec), pods)).toEqual(expected));

  it('corrects, and waits for claims of a former pod to go', () => {
    expect(steps(set(), [pod(0), pod(1), pod(2)], { isRight: ({ metadata }) => metadata.name !== 'web-1' })).toEqual([
      'correct web-1',
    ]);
    expect(steps(set(), [], { hasFormerClaims: () => true })).toEqual([]);
    expect(steps(set({ replicas: 0 }), [pod(0)], { claimsAreRight: () => false })).toEqual([
      'own claims web-0',
      'delete web-0',
    ]);
  });
});

describe('in parallel', () => {
  it.each<[string, Partial<StatefulSetSpec>, Pod[], string[]]>([
    ['all that are missing', {}, [pod(1, { ready: false })], ['create 0 new', 'create 2 new']],
    [
      'all that are too many',
      { replicas: 0 },
      [pod(0, { ready: false }), pod(1), pod(2, { leaving: true })],
      ['delete web-1', 'delete web-0'],
    ],
    ['updates one after the other', {}, [pod(0, { of: 'old' }), pod(1, { of: 'old' }), pod(2)], ['delete web-1']],
  ])('%s', (_, spec, pods, expected) => expect(steps(set({ ...parallel, ...spec }), pods)).toEqual(expected));
});

it('nothing while it is being deleted', () => {
  const leaving = { ...set(), metadata: { ...set().metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
  expect(steps(leaving, [])).toEqual([]);
});

describe('status', () => {
  it('counts by revision; pods that are leaving are of none', () => {
    const pods = [pod(0, { of: 'old' }), pod(1, { of: 'old', leaving: true }), pod(2, { ready: false })];
    expect(statusOf(observe(set(), pods), 4, 1)).toEqual({
      observedGeneration: 2,
      replicas: 3,
      readyReplicas: 2,
      availableReplicas: 2,
      currentReplicas: 0,
      updatedReplicas: 1,
      currentRevision: 'old',
      updateRevision: 'new',
      collisionCount: 4,
    });
  });

  it('an update that is complete makes its revision the current one', () => {
    const { currentRevision, currentReplicas } = statusOf(observe(set(), [pod(0), pod(1), pod(2)]), 0, 0);
    expect([currentRevision, currentReplicas]).toEqual(['new', 3]);
  });
});

const withClaims = (policy: [scaled: string, deleted: string] = ['Retain', 'Retain'], replicas = 3) =>
  set({
    replicas,
    volumeClaimTemplates: [{ metadata: { name: 'data', labels: { x: 'y' } }, spec: { resources: {} }, status: {} }],
    persistentVolumeClaimRetentionPolicy: { whenScaled: policy[0], whenDeleted: policy[1] },
  });

describe('pods', () => {
  it('have name, host name, index, revision and storage of their own', () => {
    const made = newPod(withClaims(), revision('r'), 2) as Pod;
    expect(made.metadata).toMatchObject({
      name: 'web-2',
      labels: {
        app: 'web',
        'statefulset.kubernetes.io/pod-name': 'web-2',
        'apps.kubernetes.io/pod-index': '2',
        'controller-revision-hash': 'r',
      },
    });
    expect(made.metadata).not.toHaveProperty('generateName');
    expect(made.spec).toMatchObject({ hostname: 'web-2', subdomain: 'svc' });
    expect(made.spec.volumes).toEqual([{ name: 'data', persistentVolumeClaim: { claimName: 'data-web-2' } }]);
    expect(claimsOf(withClaims(), 2)[0]!.claim.metadata).toEqual({
      name: 'data-web-2',
      namespace: 'ns',
      labels: { x: 'y', app: 'web' },
    });
    expect(isItself(withClaims(), made)).toBe(true);
    expect(isItself(withClaims(), pod(2))).toBe(false);
    expect(isItself(withClaims(), madeItself(withClaims(), pod(2)))).toBe(true);
  });
});

describe('owners of claims', () => {
  const bySet: OwnerReference = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    name: 'web',
    uid: 'web',
    controller: true,
    blockOwnerDeletion: true,
  };
  const byPod: OwnerReference = {
    apiVersion: 'v1',
    kind: 'Pod',
    name: 'web-2',
    uid: 'web-2',
    controller: true,
    blockOwnerDeletion: true,
  };
  const stranger: OwnerReference = { apiVersion: 'v1', kind: 'X', name: 'x', uid: 'x' };
  const claim = (...ownerReferences: OwnerReference[]): PersistentVolumeClaim => ({
    metadata: { name: 'data-web-2', ownerReferences },
    spec: { resources: {} },
    status: {},
  });
  it.each<[string, string, string, number, OwnerReference[], OwnerReference[] | undefined]>([
    ['kept', 'Retain', 'Retain', 3, [], undefined],
    ['kept: ours go', 'Retain', 'Retain', 3, [bySet, stranger], [stranger]],
    ['with the set', 'Retain', 'Delete', 1, [stranger], [stranger, bySet]],
    ['with the set: so it is', 'Retain', 'Delete', 1, [bySet], undefined],
    ['with pods that are too many: it is not', 'Delete', 'Retain', 3, [byPod], []],
    ['with pods that are too many: it is', 'Delete', 'Retain', 1, [], [byPod]],
    ['with both: in range', 'Delete', 'Delete', 3, [], [bySet]],
    ['with both: too many', 'Delete', 'Delete', 1, [bySet], [byPod]],
    ['of a former set', 'Delete', 'Delete', 1, [{ ...bySet, uid: 'former' }], undefined],
    ['of another controller', 'Delete', 'Delete', 1, [{ ...stranger, controller: true }], undefined],
    [
      'of another controller: ours go',
      'Delete',
      'Delete',
      1,
      [{ ...stranger, controller: true }, bySet],
      [{ ...stranger, controller: true }],
    ],
    ['ours, but not as the controller', 'Retain', 'Delete', 3, [{ ...bySet, controller: false }], [bySet]],
  ])('%s', (_, scaled, deleted, replicas, owners, expected) => {
    expect(ownersWanted(withClaims([scaled, deleted], replicas), claim(...owners), pod(2))).toEqual(expected);
  });

  it('of a former pod are not for the next', () => {
    const former = claim({ ...byPod, uid: 'former' });
    expect(isOfFormerPod(withClaims(['Delete', 'Retain']), former, pod(2))).toBe(true);
    expect(isOfFormerPod(withClaims(['Retain', 'Delete']), former, pod(2))).toBe(false);
    expect(hasOtherController(withClaims(['Delete', 'Retain']), former, pod(2))).toBe(true);
  });
});
