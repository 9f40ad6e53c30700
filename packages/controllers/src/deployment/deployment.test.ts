import type { Deployment, DeploymentStatus, ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { annotationsOfNew, newReplicaSet, nextRevision, splitSets } from './replicasets.ts';
import { nextStep, withPause } from './rollout.ts';
import { rolloutStatus, untilDeadline } from './status.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');
const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString().replace('.000', '');
const template = (image: string) => ({
  metadata: { labels: { app: 'a' } },
  spec: { containers: [{ name: 'c', image, resources: {} }] },
});

const deployment = (spec: Partial<Deployment['spec']> = {}, status: DeploymentStatus = {}): Deployment => ({
  metadata: { name: 'web', namespace: 'ns', uid: 'd', generation: 1, annotations: { note: 'x' } },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'a' } },
    template: template('i:1'),
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
    progressDeadlineSeconds: 600,
    ...spec,
  },
  status,
});
const set = (
  name: string,
  image: string,
  replicas: number,
  revision?: string,
  more: Partial<ReplicaSet['status']> = {},
): ReplicaSet => ({
  metadata: {
    name,
    uid: name,
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: {
      ...(revision && { 'deployment.kubernetes.io/revision': revision }),
      'deployment.kubernetes.io/desired-replicas': '3',
    },
  },
  spec: {
    replicas,
    selector: {},
    template: { ...template(image), metadata: { labels: { app: 'a', 'pod-template-hash': name } } },
  },
  status: { replicas, readyReplicas: replicas, availableReplicas: replicas, ...more },
});

describe('replica sets', () => {
  it('the new one is found by its template, whatever its hash', () => {
    const sets = [set('b', 'i:2', 0), set('a', 'i:1', 1), set('c', 'i:1', 1)];
    const { current, old } = splitSets(deployment(), sets);
    expect([current?.metadata.name, old.map(({ metadata }) => metadata.name)]).toEqual(['a', ['b', 'c']]);
  });

  it('a new one has hash, revision, limits and a name that is short enough', () => {
    const made = newReplicaSet(
      { ...deployment(), metadata: { name: 'w'.repeat(253), namespace: 'ns', uid: 'd' } },
      4n,
      2,
    );
    const hash = made.metadata!.labels!['pod-template-hash']!;
    expect(made.metadata!.name!.length).toBe(253);
    expect(made.metadata!.name!.endsWith(`-${hash}`)).toBe(true);
    expect(made.spec!.selector!.matchLabels).toEqual({ app: 'a', 'pod-template-hash': hash });
    expect(made.metadata!.annotations).toEqual({
      'deployment.kubernetes.io/revision': '4',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
    const other = newReplicaSet(deployment({}, { collisionCount: 1 }), 1n, 1);
    expect(other.metadata!.labels!['pod-template-hash']).not.toBe(hash);
  });

  it('the revision grows, and what it was is remembered', () => {
    const revision = 'deployment.kubernetes.io/revision';
    const history = 'deployment.kubernetes.io/revision-history';
    expect(nextRevision([set('a', 'i', 0, '3'), set('b', 'i', 0, 'x')])).toBe(4n);
    expect(nextRevision([set('a', 'i', 0, '3546343826724305832')])).toBe(3546343826724305833n);
    expect(annotationsOfNew(deployment(), { [revision]: '1', [history]: '0' }, 4n)).toEqual({
      note: 'x',
      [revision]: '4',
      [history]: '0,1',
    });
    const upToDate = { note: 'x', [revision]: '4' };
    expect(annotationsOfNew(deployment(), upToDate, 4n)).toBe(upToDate);
    const long = Array.from({ length: 500 }, (_, i) => 100 + i).join(',');
    expect(annotationsOfNew(deployment(), { [revision]: '1', [history]: long }, 700n)[history]).toBe(
      `${long.slice(4)},1`,
    );
  });
});

describe('a step', () => {
  const pod = { metadata: {}, spec: { containers: [] }, status: { phase: 'Running' } } as Pod;
  const observed = (d: Deployment, current: ReplicaSet | undefined, old: ReplicaSet[], pods: Pod[] = []) => ({
    deployment: d,
    current,
    old,
    pods: () => pods,
  });
  const recreate = deployment({ strategy: { type: 'Recreate' } });
  const removed = (step: ReturnType<typeof nextStep>) =>
    step.action === 'scale' ? step.remove.map(({ metadata }) => metadata.name) : [];

  it('creates the set of the template, unless it is paused', () => {
    expect(nextStep(observed(deployment(), undefined, [])).action).toBe('create');
    expect(nextStep(observed(deployment({ paused: true }), undefined, [])).action).toBe('scale');
  });

  it('recreate: first nothing is wanted, then nothing is left, then the new comes', () => {
    const old = set('old', 'i:0', 3);
    expect(nextStep(observed(recreate, undefined, [old]))).toMatchObject({
      action: 'scale',
      scales: [{ set: old, replicas: 0 }],
    });
    const ending = set('old', 'i:0', 0, '1', { replicas: 1 });
    expect(nextStep(observed(recreate, undefined, [ending]))).toEqual({ action: 'scale', scales: [], remove: [] });
    expect(nextStep(observed(recreate, undefined, [set('old', 'i:0', 0)], [pod]))).toEqual({
      action: 'scale',
      scales: [],
      remove: [],
    });
    expect(nextStep(observed(recreate, undefined, [set('old', 'i:0', 0)])).action).toBe('create');
  });

  it('removes old sets beyond the limit, the oldest revisions first, once it is complete', () => {
    const old = [set('two', 'i:2', 0, '2'), set('one', 'i:0', 0, '1'), set('busy', 'i:3', 0, '0', { replicas: 1 })];
    const complete = { replicas: 3, updatedReplicas: 3, availableReplicas: 3, observedGeneration: 1 };
    const done = deployment({ revisionHistoryLimit: 1 }, complete);
    expect(removed(nextStep(observed(done, set('new', 'i:1', 3), old)))).toEqual(['one']);
    expect(removed(nextStep(observed(deployment({ revisionHistoryLimit: 0 }), set('new', 'i:1', 3), old)))).toEqual([]);
  });
});

describe('progress', () => {
  const condition = (status: DeploymentStatus) => status.conditions?.find(({ type }) => type === 'Progressing');
  const told = (reason: string, status = 'True', seconds = -60): DeploymentStatus => ({
    conditions: [
      {
        type: 'Progressing',
        status,
        reason,
        message: '',
        lastUpdateTime: at(seconds),
        lastTransitionTime: at(seconds),
      },
    ],
  });

  it.each<[string, DeploymentStatus, ReplicaSet, object | undefined]>([
    [
      'complete',
      told('ReplicaSetUpdated'),
      set('s', 'i', 3),
      {
        reason: 'NewReplicaSetAvailable',
        message: 'ReplicaSet "s" has successfully progressed.',
        lastTransitionTime: at(-60),
        lastUpdateTime: at(0),
      },
    ],
    [
      'progressing',
      told('ReplicaSetUpdated'),
      set('s', 'i', 2),
      {
        reason: 'ReplicaSetUpdated',
        message: 'ReplicaSet "s" is progressing.',
        lastTransitionTime: at(-60),
        lastUpdateTime: at(0),
      },
    ],
    [
      'waiting',
      { ...told('ReplicaSetUpdated'), updatedReplicas: 2, replicas: 2, readyReplicas: 2, availableReplicas: 2 },
      set('s', 'i', 2),
      { reason: 'ReplicaSetUpdated', lastUpdateTime: at(-60) },
    ],
    [
      'timed out',
      told('ReplicaSetUpdated', 'True', -601),
      set('s', 'i', 0),
      {
        status: 'False',
        reason: 'ProgressDeadlineExceeded',
        message: 'ReplicaSet "s" has timed out progressing.',
        lastTransitionTime: at(0),
      },
    ],
    [
      'complete before: a lost pod is no rollout',
      told('NewReplicaSetAvailable', 'True', -9000),
      set('s', 'i', 2),
      { reason: 'NewReplicaSetAvailable' },
    ],
  ])('%s', (_, status, current, expected) => {
    expect(condition(rolloutStatus(deployment({}, status), current, [], NOW))).toMatchObject(expected!);
  });

  it('is not told of without a deadline; failures of sets are', () => {
    const failing = set('s', 'i', 0, '1', {
      conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'quota' }],
    });
    const status = rolloutStatus(
      deployment({ progressDeadlineSeconds: 2 ** 31 - 1 }, told('ReplicaSetUpdated')),
      failing,
      [],
      NOW,
    );
    expect(status.conditions!.map(({ type, reason }) => [type, reason])).toEqual([
      ['Available', 'MinimumReplicasUnavailable'],
      ['ReplicaFailure', 'FailedCreate'],
    ]);
  });

  it('counts terminating pods only when all sets tell', () => {
    const telling = set('s', 'i', 1, '1', { terminatingReplicas: 2, observedGeneration: 1 });
    const silent = set('o', 'i', 1, '1', { observedGeneration: 1 });
    expect(rolloutStatus(deployment(), telling, [], NOW).terminatingReplicas).toBe(2);
    expect(rolloutStatus(deployment(), telling, [silent], NOW).terminatingReplicas).toBe(undefined);
    expect(rolloutStatus(deployment(), telling, [set('new', 'i', 0)], NOW).terminatingReplicas).toBe(2);
  });

  it('is looked at again at the deadline', () => {
    expect(untilDeadline(deployment(), told('ReplicaSetUpdated'), NOW)).toBe(541_000);
    expect(untilDeadline(deployment(), told('ProgressDeadlineExceeded', 'False'), NOW)).toBe(undefined);
  });

  it('tells of being paused and resumed, once', () => {
    const paused = withPause(deployment({ paused: true }), NOW);
    expect(condition(paused.status)).toMatchObject({
      status: 'Unknown',
      reason: 'DeploymentPaused',
      message: 'Deployment is paused',
    });
    expect(withPause(paused, NOW)).toBe(paused);
    const resumed = withPause({ ...paused, spec: { ...paused.spec, paused: false } }, NOW);
    expect(condition(resumed.status)).toMatchObject({ status: 'Unknown', reason: 'DeploymentResumed' });
  });
});
