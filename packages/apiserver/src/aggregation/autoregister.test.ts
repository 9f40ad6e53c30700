import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { describe, expect, it } from 'vitest';
import { AUTOMANAGED, nextStep, type Step } from './autoregister.ts';

function service(management?: string, versionPriority = 15): APIService {
  return {
    metadata: { name: 'v1.a', ...(management ? { labels: { [AUTOMANAGED]: management } } : {}) },
    spec: { group: 'a', version: 'v1', groupPriorityMinimum: 1000, versionPriority },
    status: {},
  };
}

const first = { hasSynced: false, wasThereAtStart: true };
const later = { hasSynced: true, wasThereAtStart: true };
const added = { hasSynced: false, wasThereAtStart: false };

describe('what is done about an APIService', () => {
  it.each<[string, APIService | undefined, APIService | undefined, typeof first, Step]>([
    ['nobody wants it, nobody has it', undefined, undefined, first, 'nothing'],
    ['wanted on start', service('onstart'), undefined, first, 'create'],
    ['wanted on start, deleted later', service('onstart'), undefined, later, 'nothing'],
    ['wanted always, deleted later', service('true'), undefined, later, 'create'],
    ['somebody else has it', service('true'), service(undefined, 9), first, 'nothing'],
    ['managed in a way that nobody knows', service('true'), service('maybe', 9), first, 'nothing'],
    ['of another release', service('onstart', 16), service('onstart'), first, 'update'],
    ['as it should be', service('onstart'), service('onstart'), first, 'nothing'],
    ['changed while the server runs', service('onstart'), service('onstart', 9), later, 'nothing'],
    ['always kept', service('true'), service('true', 9), later, 'update'],
    ['of a group that is served no more', undefined, service('onstart'), first, 'delete'],
    ['put there by another server just now', undefined, service('onstart'), added, 'nothing'],
    ['of a definition that is gone', undefined, service('true'), later, 'delete'],
    ['an administrator’s own', undefined, service(), later, 'nothing'],
  ])('%s', (_what, desired, current, seen, step) => expect(nextStep(desired, current, seen)).toBe(step));
});
