import { StatusError } from '@keelson/api/errors';
import { UnreadableValueError } from '@keelson/storage/store';
import { describe, expect, it } from 'vitest';
import type { ServedResource } from '../registry/resource.ts';
import { unreadableItem, unready } from './unready.ts';

const served = (group: string, version: string, kind: string, storageForm: object) =>
  ({ version, definition: { group, kind, storageForm } }) as unknown as ServedResource;
const TYPED = { type: {} };
const sealed = new UnreadableValueError('/registry/secrets/n/a', 'no key', { isSealed: true });
const damaged = new UnreadableValueError('/registry/secrets/n/a', 'no JSON', { isSealed: false });
const refused = new StatusError(500, '', 'conversion webhook failed');
const secrets = served('', 'v1', 'Secret', TYPED);
const roles = served('rbac.authorization.k8s.io', 'v1', 'Role', TYPED);
const widgets = served('ex.com', 'v2', 'Widget', {});

describe('a watch cache that cannot be filled', () => {
  it.each<[ServedResource, UnreadableValueError | StatusError, string]>([
    [secrets, sealed, '*core.Secret: unable to transform key "/registry/secrets/n/a": no key'],
    [secrets, damaged, '*core.Secret: no JSON'],
    [roles, damaged, '*rbac.Role: no JSON'],
    [widgets, refused, 'ex.com/v2, Kind=Widget: conversion webhook failed'],
  ])('refuses lists: $version.definition.kind', (resource, error, said) => {
    expect(unready(resource, { error, downtimeMs: 0 })).toMatchObject({
      code: 429,
      reason: 'TooManyRequests',
      message: `storage is (re)initializing: failed to list ${said}`,
    });
  });

  it.each([
    [0, 1],
    [20_000, 3],
    [40_000, 11],
    [3_600_000, 30],
  ])('after %i ms wants to be asked again in %i s', (downtimeMs, retryAfterSeconds) => {
    expect(unready(widgets, { error: refused, downtimeMs }).details).toEqual({ retryAfterSeconds });
  });

  it('names an object that cannot be decrypted, and says what is wrong with another', () => {
    const message = 'Internal error occurred: unable to transform key "/registry/secrets/n/a": no key';
    expect(unreadableItem(sealed)).toMatchObject({ code: 500, reason: 'InternalError', message });
    expect(unreadableItem(damaged)).toMatchObject({ code: 500, reason: '', message: 'no JSON' });
  });
});
