import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Slabs } from './slabs.ts';

const bytesOf = (length: number, fill: number) => Buffer.alloc(length, fill);

it('holds few buffers for many pieces, each as it was', () => {
  const slabs = new Slabs();
  const pieces = Array.from({ length: 2000 }, (_, i) => slabs.add(bytesOf(4000, i & 255)));
  expect(new Set(pieces.map(({ buffer }) => buffer)).size).toBeLessThan(120);
  for (const [i, piece] of pieces.entries()) expect(piece.equals(bytesOf(4000, i & 255))).toBe(true);
});

it('leaves what is large where it is', () => {
  const large = bytesOf(100_000, 1);
  expect(new Slabs().add(large)).toBe(large);
});

it('takes at most twice the memory of its pieces once it is tidied, whatever comes and goes', () => {
  const step = fc.record({ key: fc.integer({ min: 0, max: 400 }), length: fc.integer({ min: 0, max: 6000 }) });
  const property = fc.property(fc.array(step, { minLength: 500, maxLength: 3000, size: 'max' }), (steps) => {
    const slabs = new Slabs();
    const pieces = new Map<number, { piece: Buffer; fill: number }>();
    for (const [i, { key, length }] of steps.entries()) {
      const before = pieces.get(key);
      if (before) slabs.remove(before.piece);
      // A third is removed, the others are replaced.
      if (length < 2000) pieces.delete(key);
      else pieces.set(key, { piece: slabs.add(bytesOf(length, i & 255)), fill: i & 255 });
      if (!slabs.needsTidying) continue;
      for (const entry of pieces.values()) {
        if (!slabs.isSparse(entry.piece)) continue;
        const moved = slabs.add(entry.piece);
        slabs.remove(entry.piece);
        entry.piece = moved;
      }
      expect(slabs.needsTidying).toBe(false);
    }
    const all = [...pieces.values()];
    for (const { piece, fill } of all) expect(piece.equals(bytesOf(piece.length, fill))).toBe(true);
    const used = all.reduce((sum, { piece }) => sum + piece.length, 0);
    const held = [...new Set(all.map(({ piece }) => piece.buffer))].reduce(
      (sum, { byteLength }) => sum + byteLength,
      0,
    );
    expect(held).toBeLessThanOrEqual(2 * used + 2 * 256 * 1024);
  });
  fc.assert(property, { numRuns: 30 });
});
