import { StatusError } from '@keelson/api/errors';
import { type Store, UnreadableValueError } from '@keelson/storage/store';
import { expect, it } from 'vitest';
import type { Cacher } from './cacher.ts';
import type { ObjectCodec } from './codec.ts';
import type { ResourceDefinition } from './resource.ts';
import { ObjectStorage } from './storage.ts';

const storage = (stored: string | undefined) =>
  new ObjectStorage(
    {} as ResourceDefinition,
    { cached: (kv: unknown) => kv } as unknown as ObjectCodec,
    { get: () => 'cached' } as unknown as Cacher,
    { get: async () => ({ kv: stored }) } as unknown as Store,
  );

it.each([
  ['decrypted', new UnreadableValueError('/registry/secrets/a', 'no key', { isSealed: true })],
  ['converted', new StatusError(500, '', 'conversion webhook for example.com/v1, Kind=Widget failed: Post …')],
])('asks the store for one object while another cannot be %s', async (_, error) => {
  const ready = () => Promise.reject(error);
  expect(await storage('stored').find('k', ready)).toBe('stored');
  expect(await storage(undefined).find('k', ready)).toBeUndefined();
});

it('does not when the store is what fails', async () => {
  await expect(storage('stored').find('k', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
  expect(await storage('stored').find('k', async () => {})).toBe('cached');
});
