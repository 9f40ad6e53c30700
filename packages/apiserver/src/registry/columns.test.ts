import { describe, expect, it } from 'vitest';
import { column, columnDefinitions, formatLabelSelector, formatLabels, humanDuration, nameColumn } from './columns.ts';

describe('humanDuration', () => {
  it.each([
    [-2000, '<invalid>'],
    [-1500, '0s'],
    [119_999, '119s'],
    [120_000, '2m'],
    [599_000, '9m59s'],
    [600_000, '10m'],
    [179 * 60_000, '179m'],
    [180 * 60_000, '3h'],
    [181 * 60_000, '3h1m'],
    [47.9 * 3_600_000, '47h'],
    [49 * 3_600_000, '2d1h'],
    [8 * 24 * 3_600_000, '8d'],
    [729 * 24 * 3_600_000, '729d'],
    [731 * 24 * 3_600_000, '2y1d'],
    [3000 * 24 * 3_600_000, '8y'],
  ])('%d ms is %s', (ms, text) => expect(humanDuration(ms)).toBe(text));
});

describe('text of labels and selectors', () => {
  it.each([
    [undefined, '<none>'],
    [{}, '<none>'],
    [{ b: '2', a: '1' }, 'a=1,b=2'],
  ])('%j', (labels, text) => expect(formatLabels(labels)).toBe(text));

  it.each([
    [undefined, '<none>'],
    [
      { matchLabels: { z: '1' }, matchExpressions: [{ key: 'a', operator: 'In', values: ['y', 'x'] }] },
      'a in (x,y),z=1',
    ],
    [{ matchExpressions: [{ key: 'a', operator: 'DoesNotExist' }] }, '!a'],
    [{ matchExpressions: [{ key: 'a', operator: 'In' }] }, '<error>'],
    [{ matchExpressions: [{ key: 'a', operator: 'NotIn', values: ['b d'] }] }, '<error>'],
    [{ matchLabels: { a: '-' } }, '<error>'],
  ])('%j', (selector, text) => expect(formatLabelSelector(selector)).toBe(text));
});

it('columns are described by sentences or by fields', () => {
  const docs = (type: string, field: string) => `${type}#${field}`;
  const columns = [nameColumn, column('Status', 'string', 'How it is.'), column('T', 'string', 'core.v1.Secret.type')];
  expect(columnDefinitions(columns, docs).map((c) => c.description)).toEqual([
    'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta#name',
    'How it is.',
    'io.k8s.api.core.v1.Secret#type',
  ]);
});
