import { ManualClock } from '@keelson/api/clock';
import { expect, it } from 'vitest';
import type { Connection } from './connection.ts';
import { Leases } from './leases.ts';

const setUp = () => {
  const clock = new ManualClock(1_800_000_000_000);
  const granted: { ID: number; TTL: number }[] = [];
  const connection = {
    call: async (_method: unknown, request: { ID: number; TTL: number }) => {
      await Promise.resolve();
      granted.push(request);
      return {};
    },
  } as unknown as Connection;
  return { clock, granted, leases: new Leases(connection, clock) };
};

it('gives keys of about the same time to live one lease, granted for a little longer', async () => {
  const { clock, granted, leases } = setUp();
  const hour = 3600;
  const ids = await Promise.all([leases.get(hour), leases.get(hour), leases.get(hour)]);
  expect(new Set(ids).size).toBe(1);
  expect(granted.map(({ TTL }) => TTL)).toEqual([hour + 60]);
  clock.advance(59_000);
  expect(await leases.get(hour)).toBe(ids[0]);
  clock.advance(2000);
  expect(await leases.get(hour)).not.toBe(ids[0]);
});

it('adds at most a twentieth of a short time to live', async () => {
  const { granted, leases } = setUp();
  await leases.get(100);
  await leases.get(10);
  expect(granted.map(({ TTL }) => TTL)).toEqual([105, 10]);
});

it('takes a new lease for another time to live, and when the old one is full or lost', async () => {
  const { granted, leases } = setUp();
  const first = await leases.get(600);
  expect(await leases.get(60)).not.toBe(first);
  const second = await leases.get(600);
  for (let i = 1; i < 1000; i++) expect(await leases.get(600)).toBe(second);
  const third = await leases.get(600);
  expect(third).not.toBe(second);
  leases.forget(third);
  expect(await leases.get(600)).not.toBe(third);
  expect(granted.every(({ ID }) => Number.isSafeInteger(ID) && ID > 0)).toBe(true);
});
