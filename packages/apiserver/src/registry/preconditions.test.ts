import { describe, expect, it } from 'vitest';
import { checkPreconditions, mismatchOf, type Preconditions, wordsOf } from './preconditions.ts';
import type { ResourceDefinition } from './resource.ts';

const stored = { name: 'a', uid: 'u1', resourceVersion: '7' };

describe('preconditions', () => {
  it.each<[Preconditions, typeof stored | undefined, string | undefined]>([
    [{}, stored, undefined],
    [{ uid: 'u1', resourceVersion: '7' }, stored, undefined],
    [{ uid: 'u2' }, stored, 'UID in precondition: u2, UID in object meta: u1'],
    [{ resourceVersion: '6' }, stored, 'ResourceVersion in precondition: 6, ResourceVersion in object meta: 7'],
    [{ uid: 'u2', resourceVersion: '6' }, stored, 'UID in precondition: u2, UID in object meta: u1'],
    [{ uid: '' }, undefined, undefined],
    [{ uid: 'u1' }, undefined, 'UID in precondition: u1, UID in object meta: '],
  ])('%j of %j', (wanted, metadata, words) => {
    const mismatch = mismatchOf(wanted, metadata);
    expect(mismatch && wordsOf(mismatch)).toBe(words && `Precondition failed: ${words}`);
  });

  it('are told with the key of the storage, of a dry run without its root', () => {
    const definition = { group: '', resource: 'pods' } as ResourceDefinition;
    const said = (dryRun: boolean) => {
      const expected = { definition, name: 'a', key: '/registry/pods/n/a', dryRun };
      try {
        checkPreconditions({ uid: 'u2' }, { apiVersion: 'v1', kind: 'Pod', metadata: stored }, expected);
      } catch (error) {
        return (error as Error).message;
      }
      return undefined;
    };
    const message = (key: string) =>
      `Operation cannot be fulfilled on pods "a": StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: u2, UID in object meta: u1`;
    expect([false, true].map(said)).toEqual([message('/registry/pods/n/a'), message('/pods/n/a')]);
  });
});
