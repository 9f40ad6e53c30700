import { expect, test } from 'vitest';
import { parseReserved, reservationOf } from './allocatable.ts';

const capacity = { cpu: '2', memory: '1Gi', 'ephemeral-storage': '10Gi' };

test('what is kept from pods is kept for the system, for Kubernetes and for evictions', () =>
  expect(
    reservationOf(
      { kube: { cpu: '100m', memory: '100Mi', pid: '10' }, system: { cpu: '200m' } },
      { memory: '100Mi', 'ephemeral-storage': '1Gi' },
      capacity,
    ),
  ).toEqual({ cpu: '300m', memory: '200Mi', 'ephemeral-storage': '1Gi' }));

test('more than there is cannot be kept', () =>
  expect(() => reservationOf({ kube: { cpu: '3' }, system: {} }, {}, capacity)).toThrow(
    'invalid Node Allocatable configuration. Resource "cpu" has a reservation of 3 but capacity of 2. Expected capacity >= reservation.',
  ));

test.each([
  [{ gpu: '1' }, 'cannot reserve "gpu" resource'],
  [{ cpu: '-1' }, 'resource quantity for "cpu" cannot be negative: -1'],
  [{ cpu: 'x' }, 'failed to parse quantity "x" for "cpu" resource: '],
] as Record<string, string>[][] as [Record<string, string>, string][])('%j: %s', (amounts, message) =>
  expect(() => parseReserved(amounts)).toThrow(message),
);
