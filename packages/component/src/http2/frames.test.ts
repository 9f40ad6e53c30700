import { expect, test } from 'vitest';
import { FrameReader } from './frames.ts';

const frame = (type: number, flags: number, id: number, payload: string) =>
  Buffer.from([0, 0, payload.length, type, flags, 0, 0, 0, id, ...Buffer.from(payload)]);

const STREAM = Buffer.concat([
  frame(4, 0, 0, ''),
  frame(1, 4, 1, 'head'),
  frame(0, 0, 1, 'some data'),
  frame(0, 1, 1, ''),
  frame(6, 0, 0, '12345678'),
]);

function read(pieces: readonly Buffer[]): string[] {
  const seen: string[] = [];
  let data = '';
  const reader = new FrameReader({
    data: (id, flags, piece, last) => {
      data += piece.toString();
      if (!last) return;
      seen.push(`data ${id} ${flags} ${data}`);
      data = '';
    },
    control: (type, flags, id, payload) => seen.push(`${type} ${id} ${flags} ${payload}`),
  });
  for (const piece of pieces) reader.read(piece);
  return seen;
}

const FRAMES = ['4 0 0 ', '1 1 4 head', 'data 1 0 some data', 'data 1 1 ', '6 0 0 12345678'];

test('frames come out whole', () => {
  expect(read([STREAM])).toEqual(FRAMES);
});

test('wherever they were cut', () => {
  for (let at = 1; at < STREAM.length; at++) {
    expect(read([STREAM.subarray(0, at), STREAM.subarray(at)]), `at ${at}`).toEqual(FRAMES);
  }
  expect(read([...STREAM].map((byte) => Buffer.from([byte])))).toEqual(FRAMES);
});
