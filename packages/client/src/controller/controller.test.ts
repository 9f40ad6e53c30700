import { notFound, StatusError } from '@keelson/api/errors';
import type { TypedObject } from '@keelson/api/object';
import { describe, expect, it } from 'vitest';
import { manualWorld } from '../testing/world.ts';
import { Expectations, NamedExpectations } from './expectations.ts';
import { adoptionPatch, claim, controllerOf, isControlledBy, releasePatch } from './owners.ts';

describe('Expectations', () => {
  it('are satisfied when all was seen', () => {
    const expectations = new Expectations(manualWorld().clock);
    expect(expectations.satisfied('k')).toBe(true);
    expectations.expect('k', { creations: 2, deletions: 1 });
    expectations.creationObserved('k');
    expectations.deletionObserved('k');
    expect(expectations.satisfied('k')).toBe(false);
    expectations.creationObserved('k');
    expect(expectations.satisfied('k')).toBe(true);
    expectations.creationObserved('k');
    expectations.raise('k', { creations: 1 });
    expect(expectations.satisfied('k')).toBe(true);
  });

  it('are given up after five minutes, or when forgotten', () => {
    const { clock } = manualWorld();
    const expectations = new Expectations(clock);
    expectations.expect('k', { creations: 1 });
    clock.advance(300_000);
    expect(expectations.satisfied('k')).toBe(false);
    clock.advance(1);
    expect(expectations.satisfied('k')).toBe(true);
    expectations.expect('k', { creations: 1 });
    expectations.forget('k');
    expect(expectations.satisfied('k')).toBe(true);
  });

  it('by name count a deletion once', () => {
    const expectations = new NamedExpectations(manualWorld().clock);
    expectations.expectDeletions('k', ['a', 'b']);
    expectations.deletionObserved('k', 'a');
    expectations.deletionObserved('k', 'a');
    expectations.deletionObserved('k', 'stranger');
    expect(expectations.satisfied('k')).toBe(false);
    expectations.deletionObserved('k', 'b');
    expect(expectations.satisfied('k')).toBe(true);
  });
});

const kind = { group: 'apps', version: 'v1', kind: 'ReplicaSet' };
const owner: TypedObject = { metadata: { namespace: 'ns', name: 'rs', uid: 'u1' } };
const reference = (uid: string) => ({ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'rs', uid, controller: true });
const object = (name: string, controller?: string, rest: TypedObject['metadata'] = {}): TypedObject => ({
  metadata: {
    namespace: 'ns',
    name,
    uid: `uid-${name}`,
    ...(controller ? { ownerReferences: [reference(controller)] } : {}),
    ...rest,
  },
});

describe('owners', () => {
  it('the controller is the owner that says so', () => {
    const owned = object('a', 'u1');
    expect(controllerOf(owned)?.uid).toBe('u1');
    expect([isControlledBy(owned, owner), isControlledBy(object('b', 'u2'), owner)]).toEqual([true, false]);
    expect(controllerOf({ metadata: { ownerReferences: [{ ...reference('u1'), controller: false }] } })).toBe(
      undefined,
    );
  });

  it('patches name the object by uid, so that no other of its name is met', () => {
    expect(adoptionPatch(object('a'), owner, kind, ['f'])).toEqual({
      metadata: {
        uid: 'uid-a',
        finalizers: ['f'],
        ownerReferences: [{ ...reference('u1'), blockOwnerDeletion: true }],
      },
    });
    expect(releasePatch(object('a'), owner)).toEqual({
      metadata: { uid: 'uid-a', ownerReferences: [{ $patch: 'delete', uid: 'u1' }] },
    });
  });

  async function run(objects: TypedObject[], of = owner, failures: Record<string, Error> = {}) {
    const deeds: string[] = [];
    const act = (deed: string) => async (o: TypedObject) => {
      deeds.push(`${deed} ${o.metadata.name}`);
      const failure = failures[o.metadata.name!];
      if (failure) throw failure;
    };
    const claimed = await claim(objects, {
      owner: of,
      wants: (o) => !o.metadata.name!.startsWith('un'),
      mayAdopt: async () => {
        deeds.push('ask');
        if (failures.mayAdopt) throw failures.mayAdopt;
      },
      adopt: act('adopt'),
      release: act('release'),
    });
    return { deeds, claimed: claimed.map((o) => o.metadata.name) };
  }

  it('keeps its own, adopts orphans, releases the unwanted, leaves the others', async () => {
    const objects = [
      object('mine', 'u1'),
      object('orphan'),
      object('orphan2'),
      object('unwanted', 'u1'),
      object('unwanted-orphan'),
      object('theirs', 'u2'),
      object('leaving', undefined, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
      object('elsewhere', undefined, { namespace: 'other' }),
    ];
    expect(await run(objects)).toEqual({
      deeds: ['ask', 'adopt orphan', 'adopt orphan2', 'release unwanted'],
      claimed: ['mine', 'orphan', 'orphan2'],
    });
  });

  it('neither adopts nor releases while it is being deleted', async () => {
    const leaving = { metadata: { ...owner.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    expect(await run([object('mine', 'u1'), object('orphan'), object('unwanted', 'u1')], leaving)).toEqual({
      deeds: [],
      claimed: ['mine'],
    });
  });

  it('what is gone is no failure; what fails is told of together', async () => {
    const gone = notFound({ group: '', resource: 'pods' }, 'a');
    const invalid = new StatusError(422, 'Invalid', 'uid');
    expect(await run([object('a'), object('unwanted', 'u1')], owner, { a: gone, unwanted: invalid })).toMatchObject({
      claimed: [],
    });
    await expect(run([object('a'), object('b')], owner, { mayAdopt: new Error('replaced') })).rejects.toThrow(
      'replaced; replaced',
    );
  });
});
