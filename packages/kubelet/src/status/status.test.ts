import type { ContainerState, ContainerStatus, Pod, PodStatus } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import type { ContainerStatus as RuntimeContainer } from '../runtime/container.ts';
import type { PodState } from '../runtime/runtime.ts';
import { container, exited, podOf, running, sandboxOf, stateOf, statusOf } from '../testing/pods.ts';
import { finalStatus } from './final.ts';
import { type GenerateInput, generateStatus } from './generate.ts';
import { mergeStatus, same, statusPatch, withTimes } from './merge.ts';
import { phaseOf } from './phase.ts';

const [a, b, i] = [container('a'), container('b'), container('i')];
const side = container('side', { restartPolicy: 'Always' });
const RUNNING: ContainerState = { running: {} };
const WAITING: ContainerState = { waiting: {} };
const ended = (exitCode: number): ContainerState => ({ terminated: { exitCode } });
const said = (
  name: string,
  state: ContainerState,
  lastState: ContainerState = {},
  started = false,
): ContainerStatus => ({
  name,
  state,
  lastState,
  started,
  ready: false,
  restartCount: 0,
  image: '',
  imageID: '',
});

describe('phaseOf', () => {
  const always = podOf({ containers: [a, b] });
  const never = podOf({ containers: [a, b], restartPolicy: 'Never' });
  const onFailure = podOf({ containers: [a, b], restartPolicy: 'OnFailure' });
  const withInit = podOf({ containers: [a], initContainers: [i], restartPolicy: 'Never' });
  const withSide = podOf({ containers: [a], initContainers: [side] });
  const cases: [string, Pod, ContainerStatus[], string, { terminal?: boolean; initialized?: boolean }?][] = [
    ['nothing is known', always, [], 'Pending'],
    ['all wait', always, [said('a', WAITING), said('b', WAITING)], 'Pending'],
    ['one waits', always, [said('a', RUNNING), said('b', WAITING)], 'Pending'],
    ['all run', always, [said('a', RUNNING), said('b', RUNNING)], 'Running'],
    ['one has ended', always, [said('a', RUNNING), said('b', ended(0))], 'Running'],
    ['all have ended, Always', always, [said('a', ended(0)), said('b', ended(1))], 'Running'],
    ['all crash, Always', always, [said('a', WAITING, ended(1)), said('b', WAITING, ended(1))], 'Running'],
    ['all have ended well, Never', never, [said('a', ended(0)), said('b', ended(0))], 'Succeeded'],
    ['one has failed, Never', never, [said('a', ended(0)), said('b', ended(1))], 'Failed'],
    ['one has failed, OnFailure', onFailure, [said('a', ended(0)), said('b', ended(1))], 'Running'],
    ['all have ended well, OnFailure', onFailure, [said('a', ended(0)), said('b', ended(0))], 'Succeeded'],
    ['all have ended, for good', always, [said('a', ended(0)), said('b', ended(0))], 'Succeeded', { terminal: true }],
    ['one has failed, for good', always, [said('a', ended(0)), said('b', ended(1))], 'Failed', { terminal: true }],
    ['init runs', withInit, [said('i', RUNNING), said('a', WAITING)], 'Pending'],
    ['init has failed, Never', withInit, [said('i', ended(1)), said('a', WAITING)], 'Failed'],
    ['a sidecar starts up', withSide, [said('side', RUNNING), said('a', RUNNING)], 'Pending'],
    [
      'a sidecar starts up again',
      withSide,
      [said('side', RUNNING), said('a', RUNNING)],
      'Running',
      { initialized: true },
    ],
    ['a sidecar runs', withSide, [said('side', RUNNING, {}, true), said('a', RUNNING)], 'Running'],
  ];
  it.each(cases)('%s', (_, pod, statuses, phase, { terminal = false, initialized = false } = {}) => {
    expect(phaseOf({ pod, statuses, terminal, initialized })).toBe(phase);
  });
});

function generate(pod: Pod, state: PodState, more: Partial<GenerateInput> = {}): PodStatus {
  return generateStatus({
    pod,
    state,
    runtimeName: 'r',
    problems: new Map(),
    actuated: new Map(),
    terminationMessage: () => '',
    deviceHealth: () => [],
    recursiveReadOnly: true,
    old: pod.status ?? {},
    probes: { startup: () => undefined, readiness: () => undefined, has: () => false },
    terminal: false,
    resize: [],
    hostIps: ['192.0.2.1'],
    tellsReadyToStart: true,
    ...more,
  });
}

/** `Ready=False ContainersNotReady` */
const verdicts = ({ conditions = [] }: PodStatus) =>
  Object.fromEntries(conditions.map(({ type, status, reason }) => [type, reason ? `${status} ${reason}` : status]));

describe('generateStatus', () => {
  it('does not say whether containers may start where the gate is off', () => {
    const status = generate(
      podOf({ containers: [a] }),
      { sandboxes: [], containers: [] },
      { tellsReadyToStart: false },
    );
    expect(Object.keys(verdicts(status))).toEqual(['Initialized', 'Ready', 'ContainersReady', 'PodScheduled']);
  });

  it('of a pod that is new', () => {
    const status = generate(podOf({ containers: [a], initContainers: [i] }), { sandboxes: [], containers: [] });
    expect(verdicts(status)).toEqual({
      PodReadyToStartContainers: 'False',
      Initialized: 'False ContainersNotInitialized',
      Ready: 'False ContainersNotReady',
      ContainersReady: 'False ContainersNotReady',
      PodScheduled: 'True',
    });
    expect(status.conditions?.map(({ message }) => message)).toEqual([
      undefined,
      'containers with incomplete status: [i]',
      'containers with unready status: [a]',
      'containers with unready status: [a]',
      undefined,
    ]);
    expect(status.containerStatuses?.[0]?.state).toEqual({ waiting: { reason: 'PodInitializing' } });
  });

  it('of one that runs, its containers in order of their names', () => {
    const status = generate(podOf({ containers: [b, a] }), stateOf(statusOf(b, running()), statusOf(a, running())));
    expect(status).toMatchObject({
      phase: 'Running',
      podIP: '10.0.0.7',
      podIPs: [{ ip: '10.0.0.7' }],
      hostIP: '192.0.2.1',
      qosClass: 'BestEffort',
    });
    expect(status.containerStatuses?.map(({ name, ready, containerID }) => [name, ready, containerID])).toEqual([
      ['a', true, 'r://a-0'],
      ['b', true, 'r://b-0'],
    ]);
    expect(new Set(Object.values(verdicts(status)))).toEqual(new Set(['True']));
  });

  it('holds readiness back for gates', () => {
    const gated = podOf({ containers: [a], readinessGates: [{ conditionType: 'example.com/ok' }] });
    const state = stateOf(statusOf(a, running()));
    const ready = (pod: Pod) => generate(pod, state).conditions?.find(({ type }) => type === 'Ready');
    expect(ready(gated)).toMatchObject({
      reason: 'ReadinessGatesNotReady',
      message: 'corresponding condition of pod readiness gate "example.com/ok" does not exist.',
    });
    const conditions = [{ type: 'example.com/ok', status: 'True' }];
    expect(ready({ ...gated, status: { conditions } })).toMatchObject({ status: 'True' });
  });

  it('says why a container waits, and how it ended before', () => {
    const problems = new Map([['a', { reason: 'CrashLoopBackOff', message: 'back-off' }]]);
    const status = generate(podOf({ containers: [a] }), stateOf(statusOf(a, exited(3), 1)), { problems });
    expect(status.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      state: { waiting: { reason: 'CrashLoopBackOff', message: 'back-off' } },
      lastState: { terminated: { exitCode: 3, reason: 'Error', startedAt: '1970-01-01T00:00:01Z' } },
    });
  });

  it('takes a running container that is lost for one that was killed', () => {
    const old: PodStatus = { containerStatuses: [{ ...said('a', RUNNING), containerID: 'r://a-0' }] };
    const status = generate(podOf({ containers: [a] }), { sandboxes: [sandboxOf()], containers: [] }, { old });
    expect(status.containerStatuses?.[0]).toMatchObject({
      restartCount: 1,
      state: { waiting: { reason: 'ContainerCreating' } },
      lastState: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } },
    });
  });

  it('goes on running while all containers are removed to begin anew', () => {
    const rules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }];
    const source = container('side', { restartPolicy: 'Always', restartPolicyRules: rules });
    const pod = podOf({ containers: [a], initContainers: [i, source], restartPolicy: 'Never' });
    const all = stateOf(statusOf(i, exited(0)), statusOf(source, exited(42)), statusOf(a, running()));
    const before = generate(pod, all);
    const meanwhile = generate(pod, stateOf(), { old: before });
    const removed = { reason: 'RestartingAllContainers' };
    expect(meanwhile.phase).toBe('Running');
    for (const status of [...meanwhile.initContainerStatuses!, ...meanwhile.containerStatuses!]) {
      expect(status).toMatchObject({
        state: { waiting: removed },
        lastState: { terminated: removed },
        restartCount: 1,
      });
    }
    const after = generate(pod, stateOf({ ...statusOf(i, exited(0)), id: 'i-again' }), { old: meanwhile });
    expect(after.phase).toBe('Running');
    expect(after.initContainerStatuses?.[0]).toMatchObject({
      state: { terminated: { exitCode: 0 } },
      lastState: { terminated: removed },
      restartCount: 1,
    });
  });

  it('never leaves a final phase', () => {
    const pod: Pod = { ...podOf({ containers: [a] }), status: { phase: 'Failed', reason: 'Evicted', message: 'm' } };
    expect(generate(pod, stateOf(statusOf(a, running())))).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: 'm',
    });
  });

  it('is not ready before a probe has said so', () => {
    const probes = {
      startup: () => undefined,
      readiness: () => undefined,
      has: (kind: string) => kind === 'readiness',
    };
    const status = generate(podOf({ containers: [a] }), stateOf(statusOf(a, running())), { probes });
    expect(status.containerStatuses?.[0]).toMatchObject({ started: true, ready: false });
  });

  it('adds what a container has left behind to what the runtime says', () => {
    const state = { ...exited(1), message: 'runtime' } as RuntimeContainer['state'];
    const status = generate(podOf({ containers: [a], restartPolicy: 'Never' }), stateOf(statusOf(a, state)), {
      terminationMessage: () => 'own',
      deviceHealth: () => [],
    });
    expect(status.containerStatuses?.[0]?.state.terminated?.message).toBe('runtime: own');
  });
});

describe('finalStatus', () => {
  it('fails what has not ended by itself', () => {
    const status = { phase: 'Running', containerStatuses: [said('a', RUNNING), said('b', ended(0))] };
    const final = finalStatus(podOf({ containers: [a, b] }), status);
    expect(final.phase).toBe('Failed');
    expect(final.containerStatuses?.map(({ state }) => state.terminated?.exitCode)).toEqual([137, 0]);
  });

  it('leaves those that were never begun', () => {
    const status = {
      phase: 'Pending',
      initContainerStatuses: [said('i', ended(1))],
      containerStatuses: [said('a', WAITING)],
    };
    const final = finalStatus(podOf({ containers: [a], initContainers: [i] }), status);
    expect(final.containerStatuses?.[0]?.state).toEqual(WAITING);
  });
});

describe('mergeStatus', () => {
  const now = '2026-01-01T00:00:00Z';
  const foreign = { type: 'example.com/x', status: 'True' };

  it('keeps the conditions of others', () => {
    const merged = mergeStatus(
      { conditions: [foreign] },
      { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
      true,
      now,
    );
    expect(merged.conditions).toEqual([foreign, { type: 'Ready', status: 'True' }]);
  });

  it('does not end a pod whose containers may run', () => {
    const ended: PodStatus = { phase: 'Failed', reason: 'Evicted', conditions: [] };
    expect(mergeStatus({ phase: 'Running' }, ended, true, now)).toMatchObject({ phase: 'Running' });
    expect(mergeStatus({ phase: 'Running' }, ended, true, now).reason).toBeUndefined();
    expect(mergeStatus({ phase: 'Running' }, ended, false, now)).toMatchObject({ phase: 'Failed', reason: 'Evicted' });
  });

  it('has no ended pod ready', () => {
    const merged = mergeStatus(
      { phase: 'Running' },
      { phase: 'Succeeded', conditions: [{ type: 'Ready', status: 'True' }] },
      false,
      now,
    );
    expect(merged.conditions).toEqual([
      { type: 'Ready', status: 'False', reason: 'PodCompleted', lastTransitionTime: now },
    ]);
  });
});

describe('statusPatch', () => {
  const pod = podOf({ containers: [a] });

  it('is nothing where nothing differs, whatever the order of fields', () => {
    const stored: PodStatus = {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      nominatedNodeName: 'n',
    };
    expect(
      statusPatch(pod, stored, { conditions: [{ status: 'True', type: 'Ready' }], phase: 'Running' }),
    ).toBeUndefined();
  });

  it('says what differs, for that pod alone', () => {
    const stored: PodStatus = {
      phase: 'Pending',
      reason: 'x',
      podIPs: [{ ip: '1' }],
      conditions: [
        { type: 'Old', status: 'True' },
        { type: 'Ready', status: 'False', reason: 'r' },
      ],
    };
    const status: PodStatus = {
      phase: 'Running',
      podIPs: [{ ip: '2' }],
      conditions: [{ type: 'Ready', status: 'True' }],
    };
    expect(statusPatch(pod, stored, status)).toEqual({
      metadata: { uid: 'u1' },
      status: {
        phase: 'Running',
        reason: null,
        podIPs: [{ ip: '2' }, { $patch: 'replace' }],
        conditions: [
          { type: 'Ready', status: 'True', reason: null },
          { $patch: 'delete', type: 'Old' },
        ],
      },
    });
  });
});

describe('withTimes', () => {
  it('keeps the time of what has not changed', () => {
    const old: PodStatus = {
      startTime: 't0',
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: 't1' }],
    };
    const status: PodStatus = {
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'Initialized', status: 'True' },
      ],
    };
    expect(withTimes(status, old, 't2')).toMatchObject({
      startTime: 't0',
      conditions: [{ lastTransitionTime: 't1' }, { lastTransitionTime: 't2' }],
    });
  });
});

describe('same', () => {
  it.each([
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [{ a: null }, {}, true],
    [{ a: undefined }, {}, true],
    [[1, 2], [2, 1], false],
    [{ a: [{ b: 1 }] }, { a: [{ b: 2 }] }, false],
    [[], {}, false],
  ])('%j %j', (left, right, want) => expect(same(left, right)).toBe(want));
});
