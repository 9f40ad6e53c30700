import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type ByteKey, toByteKey } from './bytekey.ts';
import type { Entry } from './journal.ts';
import { SortedEntries } from './sorted-entries.ts';

const entry = (key: string, revision: number): Entry => ({
  key: key as ByteKey,
  revision,
  createRevision: 1,
  version: 1,
  previous: 0,
  expiresAt: 0,
});

it('behaves as a sorted map does', () => {
  const keys = fc.integer({ min: 0, max: 3000 }).map((n) => `k${n}`);
  const step = fc.record({ key: keys, remove: fc.boolean() });
  const property = fc.property(
    fc.array(keys, { maxLength: 2500, size: 'max' }),
    fc.array(step, { maxLength: 3000, size: 'max' }),
    keys,
    fc.option(keys),
    fc.integer({ min: 0, max: 50 }),
    (initial, steps, from, to, limit) => {
      const model = new Map(initial.map((key) => [key, entry(key, 0)]));
      const sorted = () => [...model.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
      const set = SortedEntries.from(sorted());
      for (const [i, { key, remove }] of steps.entries()) {
        const known = model.get(key);
        const next = entry(key, i);
        if (remove) model.delete(key);
        else model.set(key, next);
        expect(remove ? set.delete(key as ByteKey) : set.set(next)).toBe(known);
      }
      const end = to === null ? undefined : (to as ByteKey);
      const wanted = sorted().filter(({ key }) => key >= from && (end === undefined || key < end));
      expect(set.size).toBe(model.size);
      expect(set.range(from as ByteKey, end)).toEqual(wanted);
      expect(set.range(from as ByteKey, end, limit)).toEqual(wanted.slice(0, limit));
      expect(set.count(from as ByteKey, end)).toBe(wanted.length);
      expect(set.get(from as ByteKey)).toBe(model.get(from));
    },
  );
  fc.assert(property, { numRuns: 60 });
});

it('compares byte keys as their bytes do', () => {
  const property = fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
    const byBytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
    const [keyA, keyB] = [toByteKey(a), toByteKey(b)];
    expect(keyA < keyB ? -1 : keyA > keyB ? 1 : 0).toBe(byBytes);
  });
  fc.assert(property);
});
