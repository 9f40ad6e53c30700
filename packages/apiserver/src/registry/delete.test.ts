import type { KubeObject } from '@keelson/api/object';
import { silentLogger } from '@keelson/component/logs/logger';
import { openMemoryStore } from '@keelson/storage/memory/open';
import { expect, test } from 'vitest';
import { NO_USER } from '../context.ts';
import { enabledGroups } from '../discovery/runtime-config.ts';
import { Resources } from '../resources.ts';
import { registration } from './core/namespace/index.ts';
import { deleteObject } from './delete.ts';
import type { DeleteOptions } from './strategy.ts';

const ctx = { namespace: '', user: NO_USER, now: new Date(0), dryRun: false, requestVersion: 'v1' };
const request = { ctx, warn: () => {}, name: 'a' };

test('admission is told which namespace of the name is to go', async () => {
  const environment = {
    store: openMemoryStore(),
    now: () => new Date(0),
    uuid: () => 'uid-1',
    random: () => 0,
    logger: silentLogger,
  };
  const resources = new Resources(environment, enabledGroups(), { namespaces: registration as never });
  const namespaces = resources.storeOf('', 'namespaces');
  const object = { kind: 'Namespace', apiVersion: 'v1', metadata: { name: 'a' }, spec: {}, status: {} } as KubeObject;
  await namespaces.create(object, request);
  const seen: DeleteOptions[] = [];
  const admit = async (_: KubeObject, options: DeleteOptions) => void seen.push({ ...options });
  const remove = (options: DeleteOptions) => deleteObject(namespaces, { ...request, options, admit });
  await expect(remove({ preconditions: { uid: 'uid-0' } })).rejects.toThrow('UID in precondition: uid-0');
  const { body } = await remove({ propagationPolicy: 'Background' });
  expect(seen).toEqual([{ propagationPolicy: 'Background', preconditions: { uid: 'uid-1' } }]);
  expect(body).toMatchObject({ status: { phase: 'Terminating' } });
});
