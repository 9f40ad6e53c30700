import { expect, test } from 'vitest';
import { nextStep, says, secondsOf } from './controller.ts';

test.each([
  [0, 100, 0],
  [0, 101, 15],
  [1, 90, 15],
  [1, 89, 0],
  [0, 5000, 300],
  [4, 1800, 300],
  [4, 1799, 60],
])('from step %i with %i nodes: %i seconds', (step, nodes, seconds) => {
  expect(secondsOf(nextStep(step, nodes))).toBe(seconds);
});

test.each([
  ['15', true],
  ['+15', true],
  ['15s', false],
  ['0', false],
  [undefined, false],
])('an annotation %s', (text, expected) => {
  const annotations: Record<string, string> = text === undefined ? {} : { 'node.alpha.kubernetes.io/ttl': text };
  expect(says({ metadata: { name: 'n', annotations } }, 15)).toBe(expected);
});
