import { describe, expect, it } from 'vitest';
import type { ContainerStatus } from '../runtime/container.ts';
import { CONTAINER_HASH } from '../runtime/labels.ts';
import type { PodState } from '../runtime/runtime.ts';
import { container, exited, podOf, running, sandboxOf, stateOf, statusOf } from '../testing/pods.ts';
import { containerHash } from './hash.ts';
import { type Plan, plan } from './plan.ts';

const [a, b] = [container('a'), container('b')];
const [i1, i2] = [container('i1'), container('i2')];
const side = container('side', { restartPolicy: 'Always' });
const unknown = { type: 'unknown' } as const;

/** A plan in short: `kill a-0; start a` */
function short({ killPod, sandbox, kill, reset, ephemeral, init, regular }: Plan): string {
  return [
    killPod ? 'kill pod' : '',
    sandbox.type === 'create' ? `sandbox ${sandbox.attempt}` : '',
    ...kill.map(({ id, message }) => `kill ${id}${message ? `: ${message}` : ''}`),
    ...reset.map(({ id, kill: running }) => `${running ? 'kill and remove' : 'remove'} ${id}`),
    ...[...ephemeral, ...init, ...regular].map(({ spec }) => `start ${spec.name}`),
  ]
    .filter(Boolean)
    .join('; ');
}

interface Case {
  readonly name: string;
  readonly pod: ReturnType<typeof podOf>;
  readonly state: PodState;
  readonly liveness?: Record<string, boolean>;
  readonly startup?: Record<string, boolean>;
  readonly want: string;
}

const never = { restartPolicy: 'Never' };
const onFailure = { restartPolicy: 'OnFailure' };
const restartOn42 = container('a', {
  restartPolicy: 'Never',
  restartPolicyRules: [{ action: 'Restart', exitCodes: { operator: 'In', values: [42] } }],
});
const allOn42 = container('a', {
  restartPolicy: 'Never',
  restartPolicyRules: [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }],
});
const withSandbox = (sandboxes: PodState['sandboxes'], ...containers: ContainerStatus[]) => ({ sandboxes, containers });
const other = { ...statusOf(a, running()), annotations: { [CONTAINER_HASH]: 'other' } };

const cases: Case[] = [
  {
    name: 'a new pod',
    pod: podOf({ containers: [a, b] }),
    state: withSandbox([]),
    want: 'kill pod; sandbox 0; start a; start b',
  },
  {
    name: 'a new pod with init containers',
    pod: podOf({ containers: [a], initContainers: [i1, i2] }),
    state: withSandbox([]),
    want: 'kill pod; sandbox 0; start i1',
  },
  {
    name: 'all run',
    pod: podOf({ containers: [a, b] }),
    state: stateOf(statusOf(a, running()), statusOf(b, running())),
    want: '',
  },
  {
    name: 'one has ended',
    pod: podOf({ containers: [a, b] }),
    state: stateOf(statusOf(a, exited(0)), statusOf(b, running())),
    want: 'start a',
  },
  {
    name: 'one has ended well, OnFailure',
    pod: podOf({ containers: [a, b], ...onFailure }),
    state: stateOf(statusOf(a, exited(0)), statusOf(b, running())),
    want: '',
  },
  {
    name: 'one has failed, OnFailure',
    pod: podOf({ containers: [a], ...onFailure }),
    state: stateOf(statusOf(a, exited(1))),
    want: 'start a',
  },
  {
    name: 'the last has ended, Never',
    pod: podOf({ containers: [a], ...never }),
    state: stateOf(statusOf(a, exited(1))),
    want: 'kill pod',
  },
  {
    name: 'a rule of its own restarts it, Never',
    pod: podOf({ containers: [restartOn42], ...never }),
    state: stateOf(statusOf(restartOn42, exited(42))),
    want: 'start a',
  },
  {
    name: 'no rule of its own matches',
    pod: podOf({ containers: [restartOn42], ...never }),
    state: stateOf(statusOf(restartOn42, exited(1))),
    want: 'kill pod',
  },
  {
    name: 'a rule restarts all',
    pod: podOf({ containers: [allOn42, b], initContainers: [i1], ...never }),
    state: stateOf(statusOf(b, running()), statusOf(allOn42, exited(42)), statusOf(i1, exited(0))),
    want: 'kill and remove b-0; remove i1-0; remove a-0',
  },
  {
    name: 'the sandbox is gone',
    pod: podOf({ containers: [a] }),
    state: withSandbox([sandboxOf({ state: 'notReady' })], statusOf(a, exited(0))),
    want: 'kill pod; sandbox 1; start a',
  },
  {
    name: 'the sandbox is gone, Never',
    pod: podOf({ containers: [a], ...never }),
    state: withSandbox([sandboxOf({ state: 'notReady' })], statusOf(a, exited(0))),
    want: 'kill pod',
  },
  {
    name: 'the sandbox was never used, Never',
    pod: podOf({ containers: [a], ...never }),
    state: withSandbox([sandboxOf({ state: 'notReady' })]),
    want: 'kill pod; sandbox 1; start a',
  },
  {
    name: 'the sandbox is gone, all succeeded, OnFailure',
    pod: podOf({ containers: [a], ...onFailure }),
    state: withSandbox([sandboxOf({ state: 'notReady' })], statusOf(a, exited(0))),
    want: 'kill pod',
  },
  {
    name: 'the sandbox has no address',
    pod: podOf({ containers: [a] }),
    state: withSandbox([sandboxOf({ ips: [] })]),
    want: 'kill pod; sandbox 1; start a',
  },
  {
    name: 'on the host network it needs none',
    pod: podOf({ containers: [a], hostNetwork: true }),
    state: withSandbox([sandboxOf({ ips: [], hostNetwork: true })]),
    want: 'start a',
  },
  {
    name: 'liveness fails',
    pod: podOf({ containers: [a] }),
    state: stateOf(statusOf(a, running())),
    liveness: { 'a-0': false },
    want: 'kill a-0: Container a failed liveness probe, will be restarted; start a',
  },
  {
    name: 'liveness fails, Never',
    pod: podOf({ containers: [a], ...never }),
    state: stateOf(statusOf(a, running())),
    liveness: { 'a-0': false },
    want: 'kill pod; kill a-0: Container a failed liveness probe',
  },
  {
    name: 'startup fails',
    pod: podOf({ containers: [a] }),
    state: stateOf(statusOf(a, running())),
    startup: { 'a-0': false },
    want: 'kill a-0: Container a failed startup probe, will be restarted; start a',
  },
  {
    name: 'another image is wanted, Never',
    pod: podOf({ containers: [a], ...never }),
    state: stateOf(other),
    want: 'kill a-0: Container a definition changed, will be restarted; start a',
  },
  {
    name: 'nobody knows what became of it',
    pod: podOf({ containers: [a, b] }),
    state: stateOf(statusOf(a, unknown), statusOf(b, running())),
    want: 'kill a-0: Container is in "unknown" state, try killing it before restart; start a',
  },
  {
    name: 'init runs',
    pod: podOf({ containers: [a], initContainers: [i1] }),
    state: stateOf(statusOf(i1, running())),
    want: '',
  },
  {
    name: 'the first init is done',
    pod: podOf({ containers: [a], initContainers: [i1, i2] }),
    state: stateOf(statusOf(i1, exited(0))),
    want: 'start i2',
  },
  {
    name: 'all init is done',
    pod: podOf({ containers: [a], initContainers: [i1, i2] }),
    state: stateOf(statusOf(i2, exited(0)), statusOf(i1, exited(0))),
    want: 'start a',
  },
  {
    name: 'init failed',
    pod: podOf({ containers: [a], initContainers: [i1] }),
    state: stateOf(statusOf(i1, exited(1))),
    want: 'start i1',
  },
  {
    name: 'init failed, Never',
    pod: podOf({ containers: [a], initContainers: [i1], ...never }),
    state: stateOf(statusOf(i1, exited(1))),
    want: 'kill pod',
  },
  {
    name: 'init containers are removed already',
    pod: podOf({ containers: [a], initContainers: [i1] }),
    state: stateOf(statusOf(a, running())),
    want: '',
  },
  {
    name: 'a sidecar runs, the next may start',
    pod: podOf({ containers: [a], initContainers: [side, i2] }),
    state: stateOf(statusOf(side, running())),
    want: 'start i2',
  },
  {
    name: 'a sidecar that has not started up holds the others',
    pod: podOf({ containers: [a], initContainers: [{ ...side, startupProbe: {} }, i2] }),
    state: stateOf(statusOf(side, running())),
    want: '',
  },
  {
    name: 'a sidecar that has started up',
    pod: podOf({ containers: [a], initContainers: [{ ...side, startupProbe: {} }] }),
    state: stateOf(statusOf(side, running())),
    startup: { 'side-0': true },
    want: 'start a',
  },
  {
    name: 'a sidecar has ended',
    pod: podOf({ containers: [a], initContainers: [side] }),
    state: stateOf(statusOf(a, running()), statusOf(side, exited(0))),
    want: 'start side',
  },
  {
    name: 'a sidecar alone keeps nothing alive',
    pod: podOf({ containers: [a], initContainers: [side], ...never }),
    state: stateOf(statusOf(a, exited(0)), statusOf(side, running())),
    want: 'kill pod',
  },
  {
    name: 'an ephemeral container is started once',
    pod: podOf({ containers: [a], ephemeralContainers: [container('e'), container('f')] }),
    state: stateOf(statusOf(a, running()), statusOf(container('e'), exited(1))),
    want: 'start f',
  },
  {
    name: 'a deleted pod starts nothing',
    pod: podOf({ containers: [a, b] }, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    state: stateOf(statusOf(a, exited(0)), statusOf(b, running())),
    want: '',
  },
];

describe('plan', () => {
  it.each(cases)('$name', ({ pod, state, liveness = {}, startup = {}, want }) => {
    const probes = { liveness: (id: string) => liveness[id], startup: (id: string) => startup[id] };
    expect(short(plan({ pod, state, probes }))).toBe(want);
  });
});

describe('containerHash', () => {
  it("is upstream's", () => expect(containerHash({ name: 'test_container', image: 'foo/image:v1' })).toBe('8e45cbd0'));
});
