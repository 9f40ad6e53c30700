import type { ResourcePoolStatusRequest } from '@keelson/api/generated/types/resource/v1alpha3';
import { expect, it } from 'vitest';
import { texts } from '../../testing.ts';
import { validateRequestStatus } from './validation.ts';

const condition = (type: string) => ({
  type,
  status: 'True',
  reason: 'R',
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00Z',
});
const request = (types?: string[]): ResourcePoolStatusRequest => ({
  metadata: { name: 'a' },
  spec: { driver: 'd' },
  ...(types ? { status: { poolCount: 0, conditions: types.map(condition) } } : {}),
});

it.each([
  [['A', 'B'], []],
  [
    ['A', 'A'],
    [
      'status.conditions[1].type: Duplicate value: "A"',
      `status.conditions[1]: Duplicate value: ${JSON.stringify(condition('A'))}`,
    ],
  ],
  [Array.from({ length: 11 }, (_, i) => `C${i}`), ['status.conditions: Too many: 11: must have at most 10 items']],
])('conditions %j are judged as a set', (types, expected) => {
  expect(texts(validateRequestStatus(request(types), request()))).toEqual(expected);
});

it.each([
  ['nothing', {}, []],
  ['the conditions', { conditions: [condition('B')] }, ['status: FieldValueInvalid']],
  [
    'the number of pools',
    { poolCount: undefined },
    ['status: FieldValueInvalid', 'status.poolCount: FieldValueRequired'],
  ],
  [
    'the pools',
    { pools: [{ driver: 'd', poolName: 'p', generation: 0 }] },
    ['status: FieldValueInvalid', 'status.pools[0].generation: FieldValueRequired'],
  ],
])('an update of %s of what has been answered', (_what, change, expected) => {
  const old = request(['A']);
  const obj = { ...old, status: { ...old.status, ...change } } as ResourcePoolStatusRequest;
  const found = validateRequestStatus(obj, old).map(({ field, type }) => `${field}: ${type}`);
  expect(found).toEqual(expected);
});
