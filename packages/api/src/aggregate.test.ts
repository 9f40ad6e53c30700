import { expect, test } from 'vitest';
import { aggregateText } from './aggregate.ts';

test.each([
  [['one'], 'one'],
  [['one', 'two', 'one'], '[one, two, one]'],
  [new Set(['one', 'two', 'one']), '[one, two]'],
  [new Set(['one', 'one']), 'one'],
  [[], '[]'],
])('%j', (messages, expected) => expect(aggregateText(messages)).toBe(expected));
