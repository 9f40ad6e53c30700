import type { Job, JobSpec, JobStatus } from '@keelson/api/generated/types/batch/v1';
import type { Pod, PodStatus } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it, test } from 'vitest';
import { failuresAfter, NO_FAILURES, remainingMs } from './backoff.ts';
import { Indexes } from './indexes.ts';
import { observe } from './observe.ts';
import { plan } from './plan.ts';
import { generateNameOf, TRACKING_FINALIZER, templateOf } from './pods.ts';
import { judgeFailure, matchSuccess } from './policy.ts';
import { track, withEnd, withoutReleased } from './tracking.ts';

const NOW = Date.parse('2026-01-01T01:00:00Z');
const at = (seconds: number) => new Date(NOW + seconds * 1000).toISOString().replace('.000', '');

describe('indexes', () => {
  test.each([
    ['', 5, ''],
    ['0,2,4-6', 10, '0,2,4-6'],
    ['0,1', 10, '0,1'],
    ['0-1,2-9', 5, '0-4'],
    ['x,3,4,5', 5, '3,4'],
  ])('%j of %i is %j', (text, completions, expected) => {
    expect(Indexes.parse(text, completions).toString()).toBe(expected);
  });

  it('are added, counted, and asked for', () => {
    const some = Indexes.parse('1,3-4', 10).with([0, 5, 9]);
    expect([some.toString(), some.size, some.has(4), some.has(2)]).toEqual(['0,1,3-5,9', 6, true, false]);
    expect(some.gaps(3, 10)).toEqual([2, 6, 7]);
    expect(some.gaps(99, 10)).toEqual([2, 6, 7, 8]);
    expect(some.overlap(Indexes.parse('4-9', 10))).toBe(3);
  });
});

interface Given {
  index?: number;
  phase?: string;
  tracked?: boolean;
  leaving?: boolean;
  failures?: number;
  exitCode?: number;
  endedAt?: number;
  status?: Partial<PodStatus>;
}
function pod(
  name: string,
  { index, phase = 'Running', tracked = true, leaving, failures, exitCode, endedAt, status }: Given = {},
): Pod {
  const terminated = { exitCode: exitCode ?? 0, ...(endedAt === undefined ? {} : { finishedAt: at(endedAt) }) };
  const container = {
    name: 'c',
    image: '',
    imageID: '',
    ready: false,
    restartCount: 0,
    lastState: {},
    state: { terminated },
  };
  return {
    metadata: {
      name,
      namespace: 'ns',
      uid: name,
      creationTimestamp: at(-3600),
      ...(tracked ? { finalizers: [TRACKING_FINALIZER] } : {}),
      ...(leaving ? { deletionTimestamp: at(0) } : {}),
      annotations: {
        ...(index === undefined ? {} : { 'batch.kubernetes.io/job-completion-index': `${index}` }),
        ...(failures === undefined ? {} : { 'batch.kubernetes.io/job-index-failure-count': `${failures}` }),
      },
    },
    spec: { containers: [] },
    status: {
      phase,
      ...(exitCode === undefined && endedAt === undefined ? {} : { containerStatuses: [container] }),
      ...status,
    },
  };
}
const job = (spec: Partial<JobSpec> = {}, status: JobStatus = {}): Job => ({
  metadata: { name: 'j', namespace: 'ns', uid: 'j' },
  spec: {
    parallelism: 2,
    completions: 4,
    backoffLimit: 6,
    template: { metadata: {}, spec: { containers: [], restartPolicy: 'Never' } },
    ...spec,
  },
  status: { startTime: at(-60), ...status },
});
const indexed = (spec: Partial<JobSpec> = {}, status: JobStatus = {}) =>
  job({ completionMode: 'Indexed', ...spec }, status);
const look = (of: Job, pods: Pod[], released: string[] = []) =>
  observe({ job: of, pods, released: new Set(released), failures: NO_FAILURES, now: NOW });

describe('failure policy', () => {
  const exits = (action: string, operator: string, values: number[], containerName?: string) => ({
    rules: [{ action, onExitCodes: { operator, values, ...(containerName ? { containerName } : {}) } }],
  });
  const failed = pod('p', { phase: 'Failed', exitCode: 42 });
  test.each([
    ['no rule', undefined, { action: undefined, counts: true }],
    [
      'fails the job',
      exits('FailJob', 'In', [42]),
      {
        action: 'FailJob',
        counts: true,
        jobFailure: 'Container c for pod ns/p failed with exit code 42 matching FailJob rule at index 0',
      },
    ],
    ['ignores', exits('Ignore', 'NotIn', [1]), { action: 'Ignore', counts: false }],
    ['fails the index', exits('FailIndex', 'In', [42], 'c'), { action: 'FailIndex', counts: true }],
    ['of another container', exits('FailJob', 'In', [42], 'd'), { action: undefined, counts: true }],
  ])('%s', (_, policy, expected) => expect(judgeFailure(policy, failed)).toEqual(expected));

  it('of conditions', () => {
    const rules = [{ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }];
    const disrupted = pod('p', {
      phase: 'Failed',
      status: { conditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    });
    expect(judgeFailure({ rules }, disrupted).jobFailure).toBe(
      'Pod ns/p has condition DisruptionTarget matching FailJob rule at index 0',
    );
  });
});

test.each([
  [[{ succeededCount: 3 }], '0-2', 'Matched rules at index 0'],
  [[{ succeededCount: 3 }], '0,1', undefined],
  [[{ succeededIndexes: '7' }, { succeededIndexes: '0,2' }], '0-2', 'Matched rules at index 1'],
  [[{ succeededIndexes: '0-4', succeededCount: 2 }], '3,4,5', 'Matched rules at index 0'],
  [[{ succeededIndexes: '0-4' }], '3,4', undefined],
])('success policy %j with %s: %s', (rules, succeeded, expected) => {
  expect(matchSuccess({ rules }, 10, Indexes.parse(succeeded, 10))).toBe(expected);
});

describe('back-off', () => {
  const ended = (name: string, endedAt: number) => pod(name, { endedAt });
  it('counts failures since the last success', () => {
    expect(failuresAfter({ count: 2, last: 5 }, [], [])).toEqual({ count: 2, last: 5 });
    expect(failuresAfter({ count: 2, last: 5 }, [], [ended('a', -9), ended('b', -3)])).toEqual({
      count: 4,
      last: NOW - 3000,
    });
    expect(failuresAfter({ count: 2, last: 5 }, [ended('s', -5)], [ended('a', -9), ended('b', -3)])).toEqual({
      count: 1,
      last: NOW - 3000,
    });
    expect(failuresAfter({ count: 2, last: 5 }, [ended('s', -1)], [ended('a', -9)])).toEqual(NO_FAILURES);
  });
  test.each([
    [1, 4000, 6000],
    [2, 0, 20_000],
    [1, 11_000, 0],
    [20, 0, 600_000],
  ])('%i failures %i ms ago: %i ms', (count, ago, left) => {
    expect(remainingMs({ count, last: NOW - ago }, NOW)).toBe(left);
  });
});

describe('what is to be done', () => {
  it.each<[string, Job, Pod[], object]>([
    ['as many as may run', job(), [], { action: 'create', indexes: [undefined, undefined] }],
    ['no more than are missing', job({}, { succeeded: 3 }), [], { action: 'create', indexes: [undefined] }],
    ['enough', job(), [pod('a'), pod('b')], { action: 'none' }],
    [
      'without a number of completions: until one succeeds',
      job({ completions: undefined! }, { succeeded: 1 }),
      [pod('a')],
      { action: 'none' },
    ],
    [
      'indexes that are missing',
      indexed({}, { completedIndexes: '0', succeeded: 1 }),
      [pod('b', { index: 1 })],
      { action: 'create', indexes: [2] },
    ],
    [
      'a pod that is leaving is replaced',
      job({ completions: 1 }),
      [pod('a', { leaving: true, tracked: false })],
      { action: 'create', indexes: [undefined] },
    ],
    [
      'unless only failed ones are',
      job({ completions: 1, podReplacementPolicy: 'Failed' }),
      [pod('a', { leaving: true })],
      { action: 'none' },
    ],
    [
      'after a failure it waits',
      job({ completions: 1 }),
      [pod('a', { phase: 'Failed', endedAt: -4 })],
      { action: 'wait', ms: 6000 },
    ],
    [
      'each index waits for itself',
      indexed({ completions: 2, backoffLimitPerIndex: 2 }),
      [pod('a', { index: 0, phase: 'Failed', endedAt: -4 })],
      { action: 'create', indexes: [1] },
    ],
    [
      'all indexes wait',
      indexed({ completions: 1, backoffLimitPerIndex: 2 }),
      [pod('a', { index: 0, phase: 'Failed', endedAt: -4, failures: 1 })],
      { action: 'wait', ms: 16_000 },
    ],
  ])('%s', (_, of, pods, expected) => expect(plan(look(of, pods), true)).toEqual(expected));

  it.each<[string, Job, Pod[], string[]]>([
    ['suspended: all', job({ suspend: true }), [pod('a'), pod('b')], ['a', 'b']],
    ['too many', job({ parallelism: 1 }), [pod('a'), pod('b', { phase: 'Pending' })], ['b']],
    [
      'two of one index, and one of none',
      indexed(),
      [pod('a', { index: 0 }), pod('b', { index: 0, phase: 'Pending' }), pod('c', { index: 9 })],
      ['b', 'c'],
    ],
  ])('removes %s', (_, of, pods, expected) => {
    const decided = plan(look(of, pods), true);
    expect(decided.action === 'delete' && decided.pods.map(({ metadata }) => metadata.name).sort()).toEqual(expected);
  });
});

describe('ending', () => {
  const reason = (of: Job, pods: Pod[]) => {
    const { ending } = look(of, pods);
    return ending && [ending.type, ending.reason];
  };
  const failed = (name: string, more: Given = {}) => pod(name, { phase: 'Failed', ...more });
  it.each<[string, Job, Pod[], string[] | undefined]>([
    ['goes on', job(), [failed('a')], undefined],
    ['back-off limit', job({ backoffLimit: 0 }), [failed('a')], ['FailureTarget', 'BackoffLimitExceeded']],
    [
      'restarts count where containers restart',
      job({ backoffLimit: 1, template: { metadata: {}, spec: { containers: [], restartPolicy: 'OnFailure' } } }),
      [pod('a', { status: { containerStatuses: [{ restartCount: 1 } as never] } })],
      ['FailureTarget', 'BackoffLimitExceeded'],
    ],
    ['deadline', job({ activeDeadlineSeconds: 60 }), [], ['FailureTarget', 'DeadlineExceeded']],
    ['deadline of a suspended one', job({ activeDeadlineSeconds: 60, suspend: true }), [], undefined],
    [
      'target told already',
      job({}, { conditions: [{ type: 'FailureTarget', status: 'True', reason: 'X' }] }),
      [],
      ['Failed', 'X'],
    ],
    [
      'failed indexes',
      indexed({ completions: 2, backoffLimitPerIndex: 0 }, { completedIndexes: '0' }),
      [failed('a', { index: 1 })],
      ['FailureTarget', 'FailedIndexes'],
    ],
    [
      'other indexes go on',
      indexed({ completions: 3, backoffLimitPerIndex: 0 }, { completedIndexes: '0' }),
      [failed('a', { index: 1 })],
      undefined,
    ],
    [
      'too many failed indexes',
      indexed({ completions: 9, backoffLimitPerIndex: 0, maxFailedIndexes: 1 }),
      [failed('a', { index: 1 }), failed('b', { index: 2 })],
      ['FailureTarget', 'MaxFailedIndexesExceeded'],
    ],
    [
      'success policy',
      indexed({ successPolicy: { rules: [{ succeededCount: 1 }] } }),
      [pod('a', { index: 1, phase: 'Succeeded' })],
      ['SuccessCriteriaMet', 'SuccessPolicy'],
    ],
  ])('%s', (_, of, pods, expected) => expect(reason(of, pods)).toEqual(expected));
});

describe('counting', () => {
  const pods = [
    pod('s', { phase: 'Succeeded' }),
    pod('f', { phase: 'Failed' }),
    pod('r'),
    pod('done', { phase: 'Succeeded', tracked: false }),
  ];
  it('goes through the list of uncounted, once', () => {
    const of = job();
    const first = track(look(of, pods), { ...of.status, active: 1 }, undefined);
    expect(first.status.uncountedTerminatedPods).toEqual({ succeeded: ['s'], failed: ['f'] });
    expect(first.release.map(({ metadata }) => metadata.name)).toEqual(['s', 'f']);
    const second = withoutReleased(first.status, new Set(['r']));
    expect(second).toMatchObject({ succeeded: 1, failed: 1, uncountedTerminatedPods: {} });
    const stale = look(job({}, second), pods, ['s', 'f']);
    expect([stale.succeeded, stale.failed]).toEqual([1, 1]);
    expect(track(stale, second, undefined)).toMatchObject({ status: { succeeded: 1, failed: 1 }, release: [] });
    const interrupted = look(job({}, first.status), pods);
    expect([interrupted.succeeded, interrupted.failed]).toEqual([1, 1]);
    expect(track(interrupted, first.status, undefined).status.uncountedTerminatedPods).toEqual({
      succeeded: ['s'],
      failed: ['f'],
    });
  });

  it('succeeded indexes are counted by the index', () => {
    const of = indexed({}, { completedIndexes: '0', succeeded: 1 });
    const all = [
      pod('again', { index: 0, phase: 'Succeeded' }),
      pod('new', { index: 2, phase: 'Succeeded' }),
      pod('none', { phase: 'Succeeded' }),
    ];
    const { status, release } = track(look(of, all), of.status, undefined);
    expect(status).toMatchObject({ completedIndexes: '0,2', succeeded: 2, uncountedTerminatedPods: {} });
    expect(release.length).toBe(3);
  });

  it('a failed pod stays until it is replaced, where back-off is per index', () => {
    const of = indexed({ backoffLimitPerIndex: 2 });
    const failed = pod('f', { index: 0, phase: 'Failed' });
    expect(track(look(of, [failed]), of.status, undefined).release).toEqual([]);
    expect(track(look(of, [failed, pod('next', { index: 0 })]), of.status, undefined).release).toEqual([failed]);
  });

  it('the end is told when all is counted and nothing runs', () => {
    const of = job({ completions: 1 });
    const observed = look(of, [pod('s', { phase: 'Succeeded' })]);
    const met = { type: 'SuccessCriteriaMet', status: 'True', reason: 'CompletionsReached', message: 'm' };
    const { status, finished } = track(observed, of.status, met);
    expect(status.conditions).toEqual([met]);
    expect(withEnd(status, finished)).toBe(undefined);
    const settled = withoutReleased(status, new Set());
    expect(withEnd({ ...settled, terminating: 1 }, finished)).toBe(undefined);
    expect(withEnd(settled, finished)).toMatchObject({
      completionTime: at(0),
      conditions: [met, { type: 'Complete', status: 'True', reason: 'CompletionsReached', message: 'm' }],
    });
  });

  it('what ran when it failed has failed', () => {
    const of = job();
    const target = { type: 'FailureTarget', status: 'True', reason: 'DeadlineExceeded', message: 'm' };
    const { status, finished } = track(look(of, [pod('r')]), of.status, target);
    expect(status.uncountedTerminatedPods).toEqual({ failed: ['r'] });
    expect(finished).toMatchObject({ type: 'Failed', reason: 'DeadlineExceeded' });
  });
});

describe('pods', () => {
  it('of indexed jobs know their index', () => {
    const of = indexed({
      backoffLimitPerIndex: 1,
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', resources: {} }] } },
    });
    const { metadata, spec } = templateOf(of, 3, pod('f', { index: 3, phase: 'Failed', failures: 1 }));
    expect(metadata).toEqual({
      labels: { a: 'b', 'batch.kubernetes.io/job-completion-index': '3' },
      annotations: {
        'batch.kubernetes.io/job-completion-index': '3',
        'batch.kubernetes.io/job-index-failure-count': '2',
      },
      finalizers: [TRACKING_FINALIZER],
    });
    expect(spec.hostname).toBe('j-3');
    expect(spec.containers![0]!.env).toEqual([
      {
        name: 'JOB_COMPLETION_INDEX',
        valueFrom: { fieldRef: { fieldPath: "metadata.labels['batch.kubernetes.io/job-completion-index']" } },
      },
    ]);
    expect(generateNameOf({ ...of, metadata: { name: 'n'.repeat(63) } }, 12)).toBe(`${'n'.repeat(54)}-12-`);
  });
});
