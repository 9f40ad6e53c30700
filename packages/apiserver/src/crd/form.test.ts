import { openJson } from '@keelson/api/codec/json';
import { expect, test } from 'vitest';
import { CustomForm } from './form.ts';
import { specSchema } from './schema/testing.ts';

const form = new CustomForm('example.com', 'Widget', specSchema({ type: 'object' }));

/** Decoded strictly, with the number of pieces. */
function decoded(metadata: object) {
  const body = { apiVersion: 'example.com/v1', kind: 'Widget', metadata };
  const work = form.decoding(openJson(Buffer.from(JSON.stringify(body))), { strict: true });
  for (let pieces = 1; ; pieces++) {
    const step = work.next();
    if (step.done) return { pieces, metadata: step.value.object.metadata, strictErrors: step.value.strictErrors };
  }
}

test.each<[string, object, object, string[], number?]>([
  ['plain', { name: 'a', labels: { b: '1', a: '2' } }, { name: 'a', labels: { a: '2', b: '1' } }, []],
  ['with what nobody knows', { name: 'a', colour: 'red' }, { name: 'a' }, ['unknown field "metadata.colour"'], 7],
  ['that takes ownership away', { name: 'a', managedFields: [] }, { name: 'a', managedFields: [] }, []],
])(
  'metadata is that of every object, read in a piece of its own: %s',
  (_, given, metadata, strictErrors, pieces = 4) => {
    expect(decoded(given)).toEqual({ pieces, metadata, strictErrors });
  },
);

test('times that are none are left out of what is stored', () => {
  const metadata = { name: 'a', creationTimestamp: 'yesterday', deletionTimestamp: '2026-01-02T03:04:05Z' };
  const object = { apiVersion: 'example.com/v1', kind: 'Widget', metadata };
  expect(form.normalize(object).metadata).toEqual({ name: 'a', deletionTimestamp: metadata.deletionTimestamp });
});
