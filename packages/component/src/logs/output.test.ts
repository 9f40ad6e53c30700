import { expect, test } from 'vitest';
import { logOutput } from './output.ts';

function outputs(splits: boolean, bufferBytes: number) {
  const written: string[] = [];
  const streams = {
    stdout: (text: string) => written.push(`out ${text}`),
    stderr: (text: string) => written.push(`err ${text}`),
  };
  return { ...logOutput(streams, { splits, bufferBytes }), written };
}

test.each([
  [false, ['err a', 'err b']],
  [true, ['out a', 'err b']],
])('splits: %s', (splits, expected) => {
  const { write, written } = outputs(splits, 0);
  write('a', 'info');
  write('b', 'error');
  expect(written).toEqual(expected);
});

test('lines are gathered whole, up to the size of the buffer', () => {
  const { write, flush, written } = outputs(true, 4);
  write('ab', 'info');
  write('cd', 'info');
  expect(written).toEqual([]);
  write('ü', 'info');
  expect(written).toEqual(['out abcd']);
  write('too long', 'info');
  expect(written).toEqual(['out abcd', 'out ü', 'out too long']);
  write('e', 'info');
  write('failed', 'error');
  expect(written.at(-1)).toBe('err failed');
  flush();
  flush();
  expect(written.slice(4)).toEqual(['out e']);
});
