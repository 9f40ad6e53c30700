import type { KubeObject } from '@keelson/api/object';
import { silentLogger } from '@keelson/component/logs/logger';
import { openMemoryStore } from '@keelson/storage/memory/open';
import { expect, test } from 'vitest';
import { NO_USER } from '../context.ts';
import { enabledGroups } from '../discovery/runtime-config.ts';
import { Resources } from '../resources.ts';
import { registration } from './core/configmap/index.ts';

const HIDDEN = 'field.example.com/generation';
const ctx = { namespace: 'a', user: NO_USER, now: new Date(0), dryRun: false, requestVersion: 'v1' };
const warn = () => {};

test.each([
  [256 * 1024, 201],
  [256 * 1024 + 1, 422],
])('%d bytes of annotations beside those that carry fields: %d', async (bytes, code) => {
  const environment = {
    store: openMemoryStore(),
    now: () => new Date(0),
    uuid: () => 'uid',
    random: () => 0,
    logger: silentLogger,
  };
  const kind = { ...registration, fieldAnnotations: [HIDDEN] };
  const store = new Resources(environment, enabledGroups(), { configmaps: kind as never }).storeOf('', 'configmaps');
  await store.cacher.ready();
  const make = (name: string, large: string) =>
    ({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name, namespace: 'a', annotations: { [HIDDEN]: '1', a: large } },
    }) as KubeObject;
  const large = 'x'.repeat(bytes - 1);
  const outcome = (write: Promise<unknown>) =>
    write.then(
      () => 201,
      ({ code: refused }: { code: number }) => refused,
    );
  expect(await outcome(store.create(make('c', large), { ctx, warn }))).toBe(code);
  await store.create(make('d', ''), { ctx, warn });
  const transform = (existing: KubeObject | undefined) => {
    existing!.metadata.annotations!.a = large;
    return existing!;
  };
  expect(await outcome(store.update({ ctx, warn, name: 'd', transform }))).toBe(code);
});
