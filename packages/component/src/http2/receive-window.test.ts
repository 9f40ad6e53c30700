import { expect, it } from 'vitest';
import { ReceiveWindow } from './receive-window.ts';

it('has room for its size, and for more when the peer was told of what was taken', () => {
  const window = new ReceiveWindow(100);
  expect([window.arrive(60), window.arrive(40)]).toEqual([true, true]);
  expect([window.take(49), window.take(1), window.take(20)]).toEqual([0, 50, 0]);
  expect([window.arrive(50), window.arrive(1)]).toEqual([true, false]);
});
