import { ManualClock } from '@keelson/api/clock';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import { beforeEach, describe, expect, it } from 'vitest';
import { Action, assignedPodDelete, clusterEvent } from '../framework/events.ts';
import type { Interest } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';
import { prioritySort } from '../plugins/priority-sort.ts';
import { schedulingGates } from '../plugins/scheduling-gates.ts';
import { makeNode, makePod } from '../testing/objects.ts';
import { Hints } from './hints.ts';
import { SchedulingQueue } from './queue.ts';
import type { QueuedPod } from './queued-pod.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const nodeAdd = clusterEvent('Node', Action.add);
const interests = new Map<string, readonly Interest[]>([
  ['Fit', [{ event: nodeAdd, helps: (_, __, node) => node!.metadata.name === 'large' }]],
  ['Pending', [{ event: clusterEvent('Node', Action.delete) }]],
  [
    'Broken',
    [
      {
        event: nodeAdd,
        helps: () => {
          throw new Error('broken');
        },
      },
    ],
  ],
  ['SchedulingGates', schedulingGates().events!()],
]);

let clock: ManualClock;
let pods: Map<string, Pod>;
let queue: SchedulingQueue;
let blocked: Set<string>;

beforeEach(() => {
  clock = new ManualClock(START);
  pods = new Map();
  blocked = new Set();
  queue = queueThat({ popsEarly: true });
});

const queueThat = ({ popsEarly }: { popsEarly: boolean }) =>
  new SchedulingQueue({
    clock,
    compare: (a, b) => prioritySort().compare!(a, b),
    initialBackoffMs: 1000,
    maxBackoffMs: 10_000,
    popsEarly,
    hints: new Hints(new Map([['default-scheduler', interests]]), () => {}),
    preEnqueue: (pod) =>
      blocked.has(pod.name) ? unresolvable('Blocked', 'blocked') : schedulingGates().preEnqueue!(pod),
    current: (key) => pods.get(key),
    observer: { incoming() {}, rejected() {} },
    ready: () => {},
  });

const put = (pod: Pod): Pod => {
  pods.set(`${pod.metadata.namespace}/${pod.metadata.name}`, pod);
  return pod;
};
const add = (name: string, parts: Parameters<typeof makePod>[1] = {}) => {
  const pod = put(makePod(name, parts));
  queue.add(pod);
  return pod;
};
const popName = () => queue.pop()?.info.name;
const reject = (pod: QueuedPod, rejectedBy: string[], pendingBy: string[] = []) => {
  pod.rejectedBy = new Set(rejectedBy);
  pod.pendingBy = new Set(pendingBy);
  queue.addUnschedulable(pod);
};
const where = () => {
  const { active, backoff, unschedulable, gated } = queue.counts();
  return { active, backoff, unschedulable, gated };
};

describe('the scheduling queue', () => {
  it('pops by priority, then by age', () => {
    add('a');
    add('b');
    add('important', { spec: { priority: 10 } });
    clock.advance(5);
    add('c');
    expect([popName(), popName(), popName(), popName(), popName()]).toEqual(['important', 'a', 'b', 'c', undefined]);
  });

  it('what is rejected waits for an event that its plugin says helps', () => {
    add('a');
    reject(queue.pop()!, ['Fit']);
    queue.move(nodeAdd, undefined, makeNode('small'));
    queue.move(assignedPodDelete, makePod('other'), undefined);
    expect(where()).toEqual({ active: 0, backoff: 0, unschedulable: 1, gated: 0 });
    queue.move(nodeAdd, undefined, makeNode('large'));
    expect(where()).toEqual({ active: 0, backoff: 1, unschedulable: 0, gated: 0 });
  });

  it('backs off 1 s, doubling to 10 s, in windows of a second', () => {
    add('a');
    const seconds: number[] = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      const pod = queue.pop()!;
      reject(pod, ['Fit']);
      queue.move(nodeAdd, undefined, makeNode('large'));
      let waited = 0;
      while (queue.counts().active === 0) {
        clock.advance(500);
        waited += 500;
      }
      seconds.push(waited / 1000);
    }
    expect(seconds).toEqual([2, 3, 5, 9, 11, 11]);
  });

  it('who backs off after a rejection may be tried when nothing else is to do; after an error not', () => {
    add('rejected');
    add('broken');
    const [rejected, broken] = [queue.pop()!, queue.pop()!];
    reject(rejected, ['Fit']);
    reject(broken, []);
    queue.move(nodeAdd, undefined, makeNode('large'));
    expect(where()).toMatchObject({ active: 0, backoff: 2 });
    expect(popName()).toBe('rejected');
    expect(popName()).toBeUndefined();
    clock.advance(2000);
    expect(popName()).toBe('broken');
  });

  it('who backs off does so to the end where nobody is taken early', () => {
    queue = queueThat({ popsEarly: false });
    add('rejected');
    reject(queue.pop()!, ['Fit']);
    queue.move(nodeAdd, undefined, makeNode('large'));
    expect([queue.isReady, popName()]).toEqual([false, undefined]);
    clock.advance(2000);
    expect([queue.isReady, popName()]).toEqual([true, 'rejected']);
  });

  it('what happens while a pod is in flight counts when it is rejected', () => {
    add('a');
    add('b');
    const a = queue.pop()!;
    queue.move(nodeAdd, undefined, makeNode('large'));
    const b = queue.pop()!;
    reject(a, ['Fit']);
    reject(b, ['Fit']);
    expect(where()).toMatchObject({ backoff: 1, unschedulable: 1 });
  });

  it('what is only pending does not back off', () => {
    add('a');
    reject(queue.pop()!, [], ['Pending']);
    queue.move(clusterEvent('Node', Action.delete), makeNode('n'), undefined);
    expect(where()).toMatchObject({ active: 1 });
  });

  it('a hint that breaks counts as help', () => {
    add('a');
    reject(queue.pop()!, ['Broken']);
    queue.move(nodeAdd, undefined, makeNode('small'));
    expect(where()).toMatchObject({ backoff: 1 });
  });

  it('gated pods wait for their gates alone', () => {
    const gated = add('a', { spec: { schedulingGates: [{ name: 'g' }] } });
    queue.move(nodeAdd, undefined, makeNode('large'));
    expect(where()).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 1 });
    clock.advance(10 * 60 * 1000);
    expect(where()).toMatchObject({ gated: 1 });
    const open = put({ ...gated, spec: { ...gated.spec, schedulingGates: [] } });
    queue.update(gated, open);
    expect(where()).toEqual({ active: 1, backoff: 0, unschedulable: 0, gated: 0 });
    expect(popName()).toBe('a');
  });

  it('a plugin may keep a pod back that is about to become active, and ask for it again', () => {
    blocked.add('a');
    const pod = add('a');
    expect(where()).toMatchObject({ gated: 1 });
    blocked.clear();
    queue.activate([queuedInfo(pod)]);
    expect(where()).toMatchObject({ active: 1 });
  });

  it('after five minutes pods are tried without an event', () => {
    add('a');
    reject(queue.pop()!, ['Fit']);
    clock.advance(4 * 60 * 1000);
    expect(where()).toMatchObject({ unschedulable: 1 });
    clock.advance(90 * 1000);
    expect(where()).toMatchObject({ active: 1 });
    expect(queue.pop()!.flushed).toBe(true);
  });

  it('a changed pod is the one that is popped', () => {
    const old = add('a');
    const changed = put({ ...old, metadata: { ...old.metadata, labels: { a: 'b' } } });
    queue.update(old, changed);
    expect(queue.pop()!.info.pod.metadata.labels).toEqual({ a: 'b' });
  });

  it('what is deleted is nowhere', () => {
    const pods = [add('active'), add('waiting'), add('flying')];
    queue.delete(pods[0]!);
    const waiting = queue.pop()!;
    const flying = queue.pop()!;
    reject(waiting, ['Fit']);
    queue.delete(pods[1]!);
    queue.done(flying.uid);
    expect(queue.counts()).toEqual({ active: 0, backoff: 0, unschedulable: 0, gated: 0, inFlight: 0 });
  });

  it('keeps nominations up', () => {
    const pod = add('a', { status: { nominatedNodeName: 'n1' } });
    const on = (node: string) => queue.nominations.on(node).map(({ name }) => name);
    expect(on('n1')).toEqual(['a']);
    const queued = queue.pop()!;
    queue.nominations.put(queued.info, 'n2');
    expect([on('n1'), on('n2')]).toEqual([[], ['a']]);
    reject(queued, ['Fit']);
    const silent = put({ ...pod, status: {} });
    queue.update({ ...pod, status: {} }, silent);
    expect(on('n2')).toEqual(['a']);
    queue.nominations.put(queued.info, '');
    expect(on('n2')).toEqual([]);
  });
});

function queuedInfo(pod: Pod) {
  return { key: `${pod.metadata.namespace}/${pod.metadata.name}`, uid: pod.metadata.uid! } as QueuedPod['info'];
}
