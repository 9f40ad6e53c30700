import type { ControllerRevision } from '@keelson/api/generated/types/apps/v1';
import { expect, it } from 'vitest';
import { testContext, texts } from '../../testing.ts';
import { strategy } from './strategy.ts';

type Data = ControllerRevision['data'];
const make = (data: Data): ControllerRevision => ({ metadata: { name: 'a' }, data, revision: 1 });

it.each<[Data, Data, string[]]>([
  [{ a: null }, { a: null }, []],
  [{ a: 1 }, { a: 2 }, ['data: Invalid value: {"a":1}: field is immutable']],
  [{}, { a: null }, ['data: Invalid value: {}: field is immutable']],
])('%j after %j', (data, old, expected) =>
  expect(texts(strategy.validateUpdate?.(testContext(), make(data), make(old)))).toEqual(expected),
);
