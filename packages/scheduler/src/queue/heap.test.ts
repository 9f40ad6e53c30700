import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Heap } from './heap.ts';

interface Item {
  readonly key: string;
  readonly rank: number;
}

it('pops in order, whatever was put, moved and removed before', () => {
  const key = fc.integer({ min: 0, max: 20 }).map(String);
  const put = fc.record({ key, rank: fc.integer({ min: 0, max: 9 }) });
  fc.assert(
    fc.property(fc.array(fc.oneof(put, key)), (steps) => {
      const heap = new Heap<Item>(
        (item) => item.key,
        (a, b) => a.rank - b.rank,
      );
      const expected = new Map<string, Item>();
      for (const step of steps) {
        if (typeof step === 'string') {
          expect(heap.remove(step)).toEqual(expected.get(step));
          expected.delete(step);
        } else {
          heap.put(step);
          expected.set(step.key, step);
        }
        expect(heap.size).toBe(expected.size);
      }
      const popped: number[] = [];
      for (let item = heap.pop(); item; item = heap.pop()) popped.push(item.rank);
      expect(popped).toEqual(Array.from(expected.values(), ({ rank }) => rank).sort((a, b) => a - b));
    }),
  );
});
