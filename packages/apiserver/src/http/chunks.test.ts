import { expect, it } from 'vitest';
import { ChunkWriter } from './chunks.ts';

function written(out: ChunkWriter): Buffer[] {
  out.flush();
  const chunks: Buffer[] = [];
  for (let chunk = out.take(); chunk; chunk = out.take()) chunks.push(Buffer.from(chunk.bytes));
  return chunks;
}

it('gathers pieces into chunks, whatever their sizes', () => {
  const out = new ChunkWriter();
  const pieces = [1, 65_535, 65_536, 65_537, 200_000, 0, 10].map((size, i) => Buffer.alloc(size, i + 65));
  for (const piece of pieces) {
    out.text('<text>');
    out.copy(piece);
  }
  out.copy(Buffer.from('part of it'), 5, 7);
  const chunks = written(out);
  const whole = [...pieces.flatMap((piece) => [Buffer.from('<text>'), piece]), Buffer.from('of')];
  expect(Buffer.concat(chunks).equals(Buffer.concat(whole))).toBe(true);
  expect(chunks.slice(0, -1).every(({ length }) => length === 65_536)).toBe(true);
});

it('text goes across the end of a chunk', () => {
  const out = new ChunkWriter();
  out.copy(Buffer.alloc(65_533));
  out.text('abcdef');
  expect(Buffer.concat(written(out)).subarray(65_533).toString()).toBe('abcdef');
});

it('uses a chunk again when it has been written, not before', () => {
  const out = new ChunkWriter();
  out.text('first');
  out.flush();
  const first = out.take()!;
  out.text('second');
  out.flush();
  expect(first.bytes.toString()).toBe('first');
  first.release();
  out.text('third');
  out.flush();
  expect(out.take()!.bytes.toString()).toBe('second');
  const third = out.take()!;
  expect(third.bytes.toString()).toBe('third');
  expect(third.bytes.buffer).toBe(first.bytes.buffer);
});

it('gives everything at once, in memory of its own', () => {
  const out = new ChunkWriter();
  out.copy(Buffer.alloc(70_000, 'a'));
  out.text('b');
  const whole = out.whole();
  expect(whole.toString()).toBe(`${'a'.repeat(70_000)}b`);
  out.copy(Buffer.alloc(70_000, 'c'));
  expect(whole.at(0)).toBe(97);
  expect(out.whole().toString()).toBe('c'.repeat(70_000));
  expect(out.whole()).toHaveLength(0);
});
