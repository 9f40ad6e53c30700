import { StatusError } from '@keelson/api/errors';
import { UnreadableValueError } from '@keelson/storage/store';
import { expect, it } from 'vitest';
import { lookUp } from './lookup.ts';
import type { ResourceStore } from './store.ts';

const store = (stored: unknown) =>
  ({ reread: async () => stored, cacher: { get: () => 'cached' } }) as unknown as ResourceStore;

it.each([
  ['decrypted', new UnreadableValueError('/registry/secrets/a', 'no key', { isSealed: true })],
  ['converted', new StatusError(500, '', 'conversion webhook for example.com/v1, Kind=Widget failed: Post …')],
])('asks the store for one object while another cannot be %s', async (_, error) => {
  const ready = () => Promise.reject(error);
  expect(await lookUp(store('stored'), 'k', ready)).toBe('stored');
  expect(await lookUp(store(undefined), 'k', ready)).toBeUndefined();
});

it('does not when the store is what fails', async () => {
  await expect(lookUp(store('stored'), 'k', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
  expect(await lookUp(store('stored'), 'k', async () => {})).toBe('cached');
});
