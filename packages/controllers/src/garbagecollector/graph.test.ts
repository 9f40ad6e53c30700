import type { TypedObject } from '@keelson/api/object';
import { expect, test } from 'vitest';
import { blockingDependents, FOREGROUND, Graph, ORPHAN } from './graph.ts';

const duties = () => {
  const log: string[] = [];
  const graph = new Graph({
    check: ({ identity }) => log.push(`check ${identity.name}`),
    orphan: ({ identity }) => log.push(`orphan ${identity.name}`),
    invalidNamespace: ({ identity }, uid) => log.push(`invalid ${identity.name} ${uid}`),
  });
  const take = () => log.splice(0);
  return { graph, take };
};

interface Sketch {
  readonly owners?: readonly (string | { name: string; uid: string; blockOwnerDeletion?: boolean })[];
  readonly deleting?: string;
  readonly namespace?: string;
}

/** An object whose uid is its name. */
function object(name: string, { owners = [], deleting, namespace = 'ns' }: Sketch = {}): TypedObject {
  return {
    metadata: {
      name,
      namespace,
      uid: name,
      ownerReferences: owners.map((owner) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        ...(typeof owner === 'string' ? { name: owner, uid: owner, blockOwnerDeletion: true } : owner),
      })),
      ...(deleting === undefined ? {} : { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: [deleting] }),
    },
  };
}

function world(...objects: TypedObject[]) {
  const { graph, take } = duties();
  const observe = (each: TypedObject) => graph.observe('v1', 'ConfigMap', each);
  for (const each of objects) observe(each);
  take();
  return { graph, take, observe };
}

test('dependents of what is gone are looked at, and the owner is known to be absent', () => {
  const { graph, take } = world(object('a'), object('b', { owners: ['a'] }), object('c', { owners: ['a'] }));
  const { identity } = graph.get('a')!;
  graph.forget('a');
  expect(take()).toEqual(['check b', 'check c']);
  expect(graph.absent.has(identity)).toBe(true);
});

test('an owner nobody has seen is asked for; when it is not found its dependents are looked at', () => {
  const { graph, take, observe } = world();
  observe(object('b', { owners: ['a'] }));
  expect(take()).toEqual(['check a']);
  expect(graph.get('a')?.isVirtual).toBe(true);
  graph.notFound(graph.get('a')!.identity);
  expect(take()).toEqual(['check b']);
  expect(graph.get('a')).toBeUndefined();
});

test('an owner that is seen after its dependents is no longer virtual', () => {
  const { graph, take, observe } = world(object('b', { owners: ['a'] }));
  observe(object('a'));
  expect(graph.get('a')?.isVirtual).toBe(false);
  expect(take()).toEqual([]);
});

test('a dependent in another namespace is told of and looked at, whichever was seen first', () => {
  const first = world(object('a'));
  first.observe(object('b', { owners: ['a'], namespace: 'other' }));
  expect(first.take()).toEqual(['invalid b a', 'check b']);
  const second = world(object('b', { owners: ['a'], namespace: 'other' }));
  second.observe(object('a'));
  expect(second.take()).toEqual(['invalid b a', 'check b']);
});

test('dependents that disagree on what an owner is called: each name is asked for', () => {
  const wrong = { name: 'wrong', uid: 'a' };
  const { graph, take } = world(object('b', { owners: [wrong] }), object('c', { owners: ['a'] }));
  const asWrong = graph.get('a')!.identity;
  expect(asWrong.name).toBe('wrong');
  graph.notFound(asWrong);
  expect(take()).toEqual(['check b', 'check a']);
  expect(graph.get('a')?.identity.name).toBe('a');
  expect(graph.absent.has(asWrong)).toBe(true);
});

test('what an informer has seen is not forgotten since the server does not know another name', () => {
  const { graph, take } = world(object('a'), object('b', { owners: ['a'] }));
  graph.notFound({ ...graph.get('a')!.identity, name: 'other' });
  expect(graph.get('a')).toBeDefined();
  expect(take()).toEqual([]);
});

test('deleted in the foreground: dependents are looked at, then the owner, once for each step', () => {
  const { graph, take, observe } = world(object('a'), object('b', { owners: ['a'] }));
  observe(object('a', { deleting: FOREGROUND }));
  observe(object('a', { deleting: FOREGROUND }));
  expect(take()).toEqual(['check b', 'check a']);
  expect(blockingDependents(graph.get('a')!).map(({ identity }) => identity.name)).toEqual(['b']);
  graph.forget('b');
  expect(take()).toEqual(['check a']);
  expect(blockingDependents(graph.get('a')!)).toEqual([]);
});

test('a dependent that lets go of an owner, or no longer blocks it, has the waiting owner looked at', () => {
  const { graph, take, observe } = world(object('a', { deleting: FOREGROUND }), object('b', { owners: ['a'] }));
  observe(object('b', { owners: [{ name: 'a', uid: 'a', blockOwnerDeletion: false }] }));
  expect(take()).toEqual(['check a']);
  expect(blockingDependents(graph.get('a')!)).toEqual([]);
  observe(object('b'));
  expect([...graph.get('a')!.dependents]).toEqual([]);
});

test('deleted with orphan: its dependents are to be let go', () => {
  const { take, observe } = world(object('a'));
  observe(object('a', { deleting: ORPHAN }));
  expect(take()).toEqual(['orphan a']);
});
