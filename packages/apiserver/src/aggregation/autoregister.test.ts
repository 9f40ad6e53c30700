import { alreadyExists, serviceUnavailable } from '@keelson/api/errors';
import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import type { KubeObject } from '@keelson/api/object';
import { describe, expect, it } from 'vitest';
import { enabledGroups } from '../discovery/runtime-config.ts';
import { AUTOMANAGED, AutoRegistration, nextStep, type Step } from './autoregister.ts';

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

/** A server whose writes become what there is, unless they fail. */
function registration(...there: APIService[]) {
  const current = new Map(there.map((each) => [each.metadata.name!, each]));
  const failures: Error[] = [];
  const done: string[] = [];
  const write = (verb: string, change: (name: string, object: object) => void) => async (object: KubeObject) => {
    const failure = failures.shift();
    if (failure) throw failure;
    const { name = '' } = object.metadata;
    done.push(`${verb} ${name}`);
    change(name, object);
  };
  const set = (name: string, object: object) => void current.set(name, object as APIService);
  const client = {
    create: write('create', set),
    update: write('update', set),
    delete: write('delete', (name) => void current.delete(name)),
  };
  const served = enabledGroups().filter(({ name }) => ['apps', 'apiregistration.k8s.io'].includes(name));
  return { subject: new AutoRegistration(client, current, served), current, failures, done };
}

const definition = (...versions: { name: string; served: boolean }[]) =>
  ({ metadata: { name: 'gears.example.org' }, spec: { group: 'example.org', versions } }) as CustomResourceDefinition;

describe('registration', () => {
  it('makes what is missing of the built-in versions, but for its own group, once', async () => {
    const { subject, current, done } = registration();
    expect([...subject.start()]).toEqual(['v1.apps']);
    expect(subject.missing()).toEqual(['v1.apps']);
    await subject.reconcile('v1.apps');
    expect(subject.missing()).toEqual([]);
    current.delete('v1.apps');
    await subject.reconcile('v1.apps');
    expect(done).toEqual(['create v1.apps']);
  });

  it('is missing as long as it fails, but not where another server was faster', async () => {
    const { subject, failures } = registration();
    failures.push(serviceUnavailable('no'), alreadyExists({ group: '', resource: 'apiservices' }, 'v1.apps'));
    await expect(subject.reconcile('v1.apps')).rejects.toThrow('no');
    expect(subject.missing()).toEqual(['v1.apps']);
    await subject.reconcile('v1.apps');
    expect(subject.missing()).toEqual([]);
  });

  it('removes at the start what an earlier release had', async () => {
    const { subject, done } = registration({
      ...service('onstart'),
      metadata: { ...service('onstart').metadata, name: 'v1beta1.apps' },
    });
    for (const name of subject.start()) await subject.reconcile(name);
    expect(done).toEqual(['create v1.apps', 'delete v1beta1.apps']);
  });

  it('follows definitions of custom resources: the versions that are served', async () => {
    const { subject, current, done } = registration();
    subject.start();
    const see = async (names: readonly string[]) => {
      for (const name of new Set(names)) await subject.reconcile(name);
      return done.splice(0);
    };
    const [v1, v2] = [
      { name: 'v1', served: true },
      { name: 'v2', served: true },
    ] as const;
    expect(await see(subject.setDefinition(definition(v1, { ...v2, served: false })))).toEqual([
      'create v1.example.org',
    ]);
    expect(current.get('v1.example.org')).toMatchObject({
      metadata: { labels: { [AUTOMANAGED]: 'true' } },
      spec: { group: 'example.org', version: 'v1', groupPriorityMinimum: 1000, versionPriority: 100 },
    });
    expect(await see(subject.setDefinition(definition(v2)))).toEqual([
      'delete v1.example.org',
      'create v2.example.org',
    ]);
    expect(await see(subject.deleteDefinition('gears.example.org'))).toEqual(['delete v2.example.org']);
    expect(subject.deleteDefinition('gears.example.org')).toEqual([]);
  });
});
