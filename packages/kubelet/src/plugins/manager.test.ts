import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemWorld } from '@keelson/client';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Plugin, PluginHandler } from './handler.ts';
import { PluginManager } from './manager.ts';
import { socketDirectory, startTestPlugin, type TestPlugin, type TestPluginOptions } from './testing.ts';

let directory: string;
let metrics: MetricsRegistry;
let manager: PluginManager;
let calls: string[];
let refuse: { validate?: Error; register?: Error };
const endings: (() => unknown)[] = [];
const PATIENCE = { timeout: 20_000, interval: 20 };

beforeEach(async () => {
  const { path, remove } = await socketDirectory();
  directory = path;
  endings.push(remove);
  metrics = new MetricsRegistry();
  manager = new PluginManager({ directory: join(directory, 'registry'), world: systemWorld(), metrics });
  endings.push(() => manager.stop());
  calls = [];
  refuse = {};
  const note = (what: string, { name, endpoint, versions }: Plugin) =>
    void calls.push([what, name, endpoint.slice(directory.length), ...versions].join(' '));
  const handler: PluginHandler = {
    validate(plugin) {
      note('validate', plugin);
      if (refuse.validate) throw refuse.validate;
    },
    async register(plugin) {
      note('register', plugin);
      if (refuse.register) throw refuse.register;
    },
    deregister: async (plugin) => note('deregister', plugin),
  };
  manager.addHandler('DRAPlugin', handler);
  await mkdir(join(directory, 'registry'));
});

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function plugin(socket: string, options: Partial<TestPluginOptions> = {}): Promise<TestPlugin> {
  const started = await startTestPlugin({
    type: 'DRAPlugin',
    name: 'gpu',
    socket: join(directory, socket),
    ...options,
  });
  endings.push(started.stop);
  return started;
}

const awaitCalls = (...expected: string[]) => vi.waitFor(() => expect(calls).toEqual(expected), PATIENCE);

test('a plugin that is there is registered and told, one that goes is deregistered', async () => {
  const gpu = await plugin('registry/gpu.sock', { supportedVersions: ['v1.DRAPlugin', 'v1beta1.DRAPlugin'] });
  await manager.start();
  const what = 'gpu /registry/gpu.sock v1.DRAPlugin v1beta1.DRAPlugin';
  await vi.waitFor(() => expect(gpu.told).toEqual([{ pluginRegistered: true, error: '' }]), PATIENCE);
  expect(calls).toEqual([`validate ${what}`, `register ${what}`]);
  expect(await metrics.text()).toContain('state="actual_state_of_world"} 1');
  gpu.stop();
  await awaitCalls(`validate ${what}`, `register ${what}`, `deregister ${what}`);
  await vi.waitFor(async () => expect(await metrics.text()).not.toContain('gpu.sock'), PATIENCE);
});

test('sockets that come later, in folders too, with an endpoint of their own', async () => {
  await manager.start();
  await mkdir(join(directory, 'registry/sub'));
  await writeFile(join(directory, 'registry/no-socket'), '');
  await plugin('registry/.hidden.sock', { name: 'hidden' });
  const gpu = await plugin('registry/sub/gpu.sock', { endpoint: join(directory, 'dra.sock') });
  await awaitCalls('validate gpu /dra.sock v1', 'register gpu /dra.sock v1');
  await vi.waitFor(() => expect(gpu.told).toHaveLength(1), PATIENCE);
});

test('another socket under the same path is another plugin', async () => {
  await manager.start();
  const first = await plugin('registry/gpu.sock', { name: 'first' });
  await vi.waitFor(() => expect(first.told).toHaveLength(1), PATIENCE);
  const second = await plugin('second.sock', { name: 'second' });
  await rename(join(directory, 'second.sock'), join(directory, 'registry/gpu.sock'));
  await vi.waitFor(() => expect(second.told).toHaveLength(1), PATIENCE);
  const path = '/registry/gpu.sock v1';
  expect(calls).toEqual([
    `validate first ${path}`,
    `register first ${path}`,
    `deregister first ${path}`,
    `validate second ${path}`,
    `register second ${path}`,
  ]);
});

const refusals: { why: string; prepare: () => Partial<TestPluginOptions>; error: string }[] = [
  {
    why: 'no handler',
    prepare: () => ({ type: 'CSIPlugin' }),
    error: 'no handler registered for plugin type: CSIPlugin at socket',
  },
  {
    why: 'not valid',
    prepare: () => {
      refuse.validate = new Error('no version');
      return {};
    },
    error: 'plugin validation failed with err: no version',
  },
  {
    why: 'not registered',
    prepare: () => {
      refuse.register = new Error('no node');
      return {};
    },
    error: 'plugin registration failed with err: no node',
  },
];
test.each(refusals)('a plugin is told why not: $why', async ({ prepare, error }) => {
  const refused = await plugin('registry/gpu.sock', prepare());
  await manager.start();
  await vi.waitFor(() => expect(refused.told.length).toBeGreaterThan(1), PATIENCE);
  for (const status of refused.told) {
    expect(status.pluginRegistered).toBe(false);
    expect(status.error).toContain(`RegisterPlugin error -- ${error}`);
  }
  if (Object.keys(refuse).length === 0) return;
  refuse = {};
  await vi.waitFor(() => expect(refused.told.at(-1)).toEqual({ pluginRegistered: true, error: '' }), PATIENCE);
});
