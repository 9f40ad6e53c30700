import { access, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { systemWorld } from '@keelson/client';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PluginManager } from '../plugins/manager.ts';
import { socketDirectory, startTestPlugin } from '../plugins/testing.ts';
import { container, podOf } from '../testing/pods.ts';
import { ANYWHERE, TopologyManager } from '../topology/manager.ts';
import { DeviceManager } from './manager.ts';
import { deviceMetrics } from './metrics.ts';
import { connectPlugin } from './plugin.ts';
import { deviceHandler, serveRegistry } from './registration.ts';
import { DeviceStore } from './store.ts';
import { startTestDevicePlugin, type TestDevicePlugin, type TestDevicePluginOptions } from './testing.ts';

const RESOURCE = 'example.com/dev';

describe('device plugins on sockets', () => {
  const world = systemWorld();
  let directory: Awaited<ReturnType<typeof socketDirectory>>;
  let registry: MetricsRegistry;
  let manager: DeviceManager;
  const ends: (() => unknown)[] = [];
  beforeEach(async () => {
    directory = await socketDirectory();
    registry = new MetricsRegistry();
    const metrics = deviceMetrics(registry);
    manager = await DeviceManager.start({
      world,
      store: new DeviceStore(directory.path),
      metrics,
      connect: connectPlugin,
      active: () => ['u1'],
      ready: () => true,
      running: new Map(),
      healthChanged: () => {},
      capacityChanged: () => {},
    });
    ends.push(() => manager.stop());
    ends.push(await serveRegistry({ directory: directory.path, devices: manager, metrics }));
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    await directory.remove();
  });

  const start = async (more: Partial<TestDevicePluginOptions> = {}): Promise<TestDevicePlugin> => {
    const devices = { d1: true, d2: false };
    const plugin = await startTestDevicePlugin({ directory: directory.path, resource: RESOURCE, devices, ...more });
    ends.push(() => plugin.stop());
    return plugin;
  };
  const amounts = () => {
    const { capacity, allocatable } = manager.capacity();
    return [capacity[RESOURCE], allocatable[RESOURCE]];
  };
  const soon = (ask: () => unknown) => expect.poll(ask, { timeout: 10_000, interval: 10 });
  const limits = { [RESOURCE]: '2' };
  const pod = podOf({ containers: [container('a', { resources: { limits } })] }, { uid: 'u1' });

  it('register, list, are asked, change and go', async () => {
    const plugin = await start({
      options: { getPreferredAllocationAvailable: true, preStartRequired: true },
      prefer: (available) => available.slice(1),
      allocate: (ids) => ({
        envs: { IDS: ids.join() },
        mounts: [{ containerPath: '/m', hostPath: '/h', readOnly: true }],
        devices: [{ containerPath: '/dev/x', hostPath: '/dev/null', permissions: 'rw' }],
        annotations: { a: 'b' },
        cdiDevices: [{ name: 'example.com/dev=x' }],
      }),
    });
    await plugin.register();
    await soon(amounts).toEqual(['2', '1']);
    plugin.list({ d1: true, d2: true, d3: true });
    await soon(amounts).toEqual(['3', '3']);
    expect(await new TopologyManager(ANYWHERE, [], [manager], () => true).allocate(pod)).toBeUndefined();
    expect(await manager.optionsOf(pod, pod.spec!.containers![0]!)).toEqual({
      env: new Map([['IDS', 'd2,d3']]),
      mounts: [expect.objectContaining({ containerPath: '/m', hostPath: '/h', readOnly: true })],
      devices: [{ containerPath: '/dev/x', hostPath: '/dev/null', permissions: 'rw' }],
      annotations: { a: 'b' },
      cdiDevices: ['example.com/dev=x'],
    });
    expect(plugin.asked).toEqual(['GetPreferredAllocation d1,d2,d3  2', 'Allocate d2,d3', 'PreStartContainer d2,d3']);
    plugin.stop();
    await soon(amounts).toEqual(['3', '0']);
    const text = await registry.text();
    expect(text).toContain(`kubelet_device_plugin_registration_total{resource_name="${RESOURCE}"} 1\n`);
    expect(text).toContain(`kubelet_device_plugin_alloc_duration_seconds_count{resource_name="${RESOURCE}"} 1\n`);
  });

  it('hear why they are not taken', async () => {
    const says = (message: string) => `rpc error: code = Unknown desc = ${message}`;
    await expect((await start()).register('v1alpha1')).rejects.toThrow(
      says('requested API version "v1alpha1" is not supported by kubelet. Supported version is ["v1beta1"]'),
    );
    const native = await start({ resource: 'kubernetes.io/dev', socketName: 'n.sock' });
    await expect(native.register()).rejects.toThrow(says('the ResourceName "kubernetes.io/dev" is invalid'));
  });

  it('come again when the kubelet does: what they have left is taken away', async () => {
    const plugin = await start();
    await writeFile(join(directory.path, 'file'), '');
    const stale = createServer().listen(join(directory.path, 'stale.sock'));
    await new Promise((resolve) => stale.once('listening', resolve));
    ends.push(() => stale.close());
    ends.push(
      await serveRegistry({
        directory: directory.path,
        devices: manager,
        metrics: deviceMetrics(new MetricsRegistry()),
      }),
    );
    const isThere = (path: string) =>
      access(path).then(
        () => true,
        () => false,
      );
    expect(await isThere(plugin.socket)).toBe(false);
    expect(await isThere(join(directory.path, 'stale.sock'))).toBe(false);
    expect(await isThere(join(directory.path, 'file'))).toBe(true);
    const again = await start();
    await again.register();
    await soon(amounts).toEqual(['2', '1']);
  });

  it('are found among the sockets of all plugins', async () => {
    const all = join(directory.path, 'plugins_registry');
    const plugins = new PluginManager({ directory: all, world });
    plugins.addHandler('DevicePlugin', deviceHandler(manager));
    await plugins.start();
    ends.push(() => plugins.stop());
    const devices = await start();
    const found = await startTestPlugin({
      type: 'DevicePlugin',
      name: RESOURCE,
      socket: join(all, 'dev.sock'),
      endpoint: devices.socket,
      supportedVersions: ['v1beta1'],
    });
    await soon(amounts).toEqual(['2', '1']);
    found.stop();
    await soon(amounts).toEqual(['2', '0']);
    const old = await startTestPlugin({ type: 'DevicePlugin', name: RESOURCE, socket: join(all, 'old.sock') });
    ends.push(() => old.stop());
    await soon(() => old.told).toEqual([
      {
        pluginRegistered: false,
        error:
          'RegisterPlugin error -- plugin validation failed with err: manager version, v1beta1, is not among plugin supported versions [v1]',
      },
    ]);
  });
});
