import { Path } from '@keelson/api/field';
import type { ObjectMeta } from '@keelson/api/object';
import { nameIsDNSLabel } from '@keelson/api/validation/names';
import { describe, expect, it } from 'vitest';
import { texts } from '../testing.ts';
import {
  validateFieldManager,
  validateKubeObjectMeta,
  validateObjectMeta,
  validateObjectMetaUpdate,
  validateTemplateObjectMeta,
} from './objectmeta.ts';

const path = Path.of('metadata');
const good: ObjectMeta = { name: 'a', namespace: 'ns', resourceVersion: '1' };

describe('validateObjectMeta', () => {
  it.each<[ObjectMeta, string[]]>([
    [{}, []],
    [{ name: '' }, ['metadata.name: Required value: name or generateName is required']],
    [{ namespace: '' }, ['metadata.namespace: Required value']],
    [{ generateName: 'a-' }, []],
    [{ generation: -1 }, ['metadata.generation: Invalid value: -1: must be greater than or equal to 0']],
    [
      { ownerReferences: [{ apiVersion: 'a/b/c', kind: '', name: '', uid: 'u' }] },
      [
        'metadata.ownerReferences.apiVersion: Invalid value: "a/b/c": version must not be empty',
        'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
        'metadata.ownerReferences.name: Invalid value: "": must not be empty',
      ],
    ],
    [
      { finalizers: ['orphan', 'foregroundDeletion'] },
      [
        'metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and foregroundDeletion cannot be both set',
      ],
    ],
    [
      { managedFields: [{ operation: 'Nope', fieldsType: 'V2' }] },
      [
        'metadata.managedFields[0].operation: Invalid value: "Nope": must be `Apply` or `Update`',
        'metadata.managedFields[0].fieldsType: Invalid value: "V2": must be `FieldsV1`',
      ],
    ],
    [
      { annotations: { a: 'x'.repeat(256 * 1024) } },
      ['metadata.annotations: Too long: may not be more than 262144 bytes'],
    ],
  ])('%#', (changes, expected) =>
    expect(texts(validateObjectMeta({ ...good, ...changes }, true, nameIsDNSLabel, path))).toEqual(expected),
  );

  it('refuses a namespace on cluster-scoped kinds', () =>
    expect(texts(validateObjectMeta(good, false, nameIsDNSLabel, path))).toEqual([
      'metadata.namespace: Forbidden: not allowed on this type',
    ]));

  it('wants a domain in the finalizers of built-in kinds', () =>
    expect(
      texts(validateKubeObjectMeta({ ...good, finalizers: ['kubernetes', 'a/b', 'x'] }, true, nameIsDNSLabel, path)),
    ).toEqual([
      'metadata.finalizers[2]: Invalid value: "x": name is neither a standard finalizer name nor is it fully qualified',
    ]));
});

describe('validateObjectMetaUpdate', () => {
  it.each<[ObjectMeta, ObjectMeta, string[]]>([
    [{}, {}, []],
    [{ resourceVersion: '' }, {}, ['metadata.resourceVersion: Invalid value: "": must be specified for an update']],
    [{ generation: 1 }, { generation: 2 }, ['metadata.generation: Invalid value: 1: must not be decremented']],
    [{ name: 'b' }, {}, ['metadata.name: Invalid value: "b": field is immutable']],
    [{ uid: 'v' }, { uid: 'u' }, ['metadata.uid: Invalid value: "v": field is immutable']],
    [
      { finalizers: ['b', 'a', 'c'], deletionTimestamp: '2026-01-01T00:00:00Z' },
      { finalizers: ['a'], deletionTimestamp: '2026-01-01T00:00:00Z' },
      [
        'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"b", "c"}',
      ],
    ],
  ])('%#', (changes, old, expected) =>
    expect(texts(validateObjectMetaUpdate({ ...good, ...changes }, { ...good, ...old }, path))).toEqual(expected),
  );
});

it('allows labels and annotations alone in templates', () =>
  expect(texts(validateTemplateObjectMeta({ name: 'a', uid: 'u', labels: { a: 'b' } }, path))).toEqual([
    'metadata.name: Forbidden: cannot be set',
    'metadata.uID: Forbidden: cannot be set',
  ]));

it('counts bytes up to what is not printable', () =>
  expect(texts(validateFieldManager('é\t', path))).toEqual([
    'metadata: Invalid value: "é\\t": invalid character U+0009 (at position 2)',
  ]));
