import { describe, expect, it } from 'vitest';
import { metadataInOrder, sortedDeep } from './order.ts';

describe('the order of members', () => {
  it.each([
    [
      { annotations: {}, uid: 'u', name: 'n', resourceVersion: '1' },
      '{"name":"n","uid":"u","resourceVersion":"1","annotations":{}}',
    ],
    [
      { ownerReferences: [{ uid: 'u', kind: 'K', apiVersion: 'v1' }], name: 'n' },
      '{"name":"n","ownerReferences":[{"apiVersion":"v1","kind":"K","uid":"u"}]}',
    ],
    [{ other: 1, name: 'n' }, '{"name":"n","other":1}'],
  ])('of metadata is that of its type: %j', (metadata, text) => {
    const ordered = metadataInOrder(metadata);
    expect(JSON.stringify(ordered)).toBe(text);
    expect(metadataInOrder(ordered)).toBe(ordered);
  });

  it('of maps is that of their names', () => {
    const sorted = sortedDeep({ b: [{ d: 1, c: null }], a: 'x' });
    expect(JSON.stringify(sorted)).toBe('{"a":"x","b":[{"c":null,"d":1}]}');
    expect(sortedDeep(sorted)).toBe(sorted);
  });
});
