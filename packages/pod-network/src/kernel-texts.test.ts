import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cniConfiguration, removeCni, writeCni } from './cni.ts';
import { masquerading } from './masquerade.ts';
import type { Route } from './plan.ts';
import { listedRoutes, routeChanges } from './routes.ts';

const to = (range: string, via: string): Route => ({ family: 'IPv4', range, via });

test.each<[string, Route[], Route[], string[], string[]]>([
  ['nothing', [], [], [], []],
  ['one comes', [], [to('10.1.0.0/24', '10.0.0.1')], [], ['route replace 10.1.0.0/24 via 10.0.0.1 proto 75']],
  ['one goes', [to('10.1.0.0/24', '10.0.0.1')], [], ['route del 10.1.0.0/24 via 10.0.0.1 proto 75'], []],
  ['one stays', [to('10.1.0.0/24', '10.0.0.1')], [to('10.1.0.0/24', '10.0.0.1')], [], []],
  [
    'one leads elsewhere',
    [to('10.1.0.0/24', '10.0.0.1')],
    [to('10.1.0.0/24', '10.0.0.2')],
    [],
    ['route replace 10.1.0.0/24 via 10.0.0.2 proto 75'],
  ],
])('routes: %s', (_, actual, wanted, gone, come) => {
  expect(routeChanges(actual, wanted)).toEqual({ gone, come });
});

test('routes as ip lists them', () => {
  const listing = '[{"dst":"10.1.0.0/24","gateway":"10.0.0.1","dev":"eth0"},{"dst":"10.1.1.1","gateway":"10.0.0.2"}]';
  expect(listedRoutes('IPv4', listing)).toEqual([to('10.1.0.0/24', '10.0.0.1'), to('10.1.1.1/32', '10.0.0.2')]);
  expect(listedRoutes('IPv6', '')).toEqual([]);
});

test('what leaves the cluster is masqueraded, in one transaction', () => {
  const plan = { ranges: ['10.1.0.0/24'], routes: [], pods: { IPv4: ['10.1.0.0/24', '10.1.1.0/24'], IPv6: [] } };
  expect(masquerading('IPv4', plan)).toBe(`add table ip keelson-pod-network
delete table ip keelson-pod-network
add table ip keelson-pod-network
add set ip keelson-pod-network here { type ipv4_addr; flags interval; auto-merge; elements = { 10.1.0.0/24 }; }
add set ip keelson-pod-network pods { type ipv4_addr; flags interval; auto-merge; elements = { 10.1.0.0/24, 10.1.1.0/24 }; }
add chain ip keelson-pod-network postrouting { type nat hook postrouting priority 100; }
add rule ip keelson-pod-network postrouting ip saddr @here ip daddr != @pods masquerade
`);
  expect(masquerading('IPv6', plan)).toBe('add table ip6 keelson-pod-network\ndelete table ip6 keelson-pod-network\n');
});

test('the runtime is told of the ranges, of both families, and the length of packets', () => {
  const { plugins } = cniConfiguration(['10.1.0.0/24', 'fd00:1::/64'], '/run/a', 1450);
  expect(plugins).toEqual([
    {
      type: 'ptp',
      ipMasq: false,
      mtu: 1450,
      ipam: {
        type: 'host-local',
        dataDir: '/run/a',
        routes: [{ dst: '0.0.0.0/0' }, { dst: '::/0' }],
        ranges: [[{ subnet: '10.1.0.0/24' }], [{ subnet: 'fd00:1::/64' }]],
      },
    },
    { type: 'portmap', capabilities: { portMappings: true } },
  ]);
});

test('its file is written when it changes, and nothing beside it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'keelson-cni-'));
  const settings = { folder: join(folder, 'net.d'), addressFolder: join(folder, 'run') };
  const [one, other] = [{ name: 'one' }, { name: 'other' }];
  expect(await writeCni(settings, one)).toBe(true);
  expect(await writeCni(settings, one)).toBe(false);
  expect(await writeCni(settings, other)).toBe(true);
  expect(await readdir(settings.folder)).toEqual(['10-keelson.conflist']);
  expect(JSON.parse(await readFile(join(settings.folder, '10-keelson.conflist'), 'utf8'))).toEqual(other);
  // The machine starts again.
  await rm(settings.addressFolder, { recursive: true });
  await expect(readFile(join(settings.folder, '10-keelson.conflist'))).rejects.toThrow('ENOENT');
  expect(await writeCni(settings, other)).toBe(true);
  // As earlier releases have left it.
  await rm(join(settings.folder, '10-keelson.conflist'));
  await writeFile(join(settings.folder, '10-keelson.conflist'), JSON.stringify(other));
  expect(await writeCni(settings, other)).toBe(true);
  expect(await readdir(settings.addressFolder)).toEqual(['10-keelson.conflist']);
  await removeCni(settings);
  await removeCni(settings);
  expect(await readdir(settings.addressFolder)).toEqual([]);
  expect(await readdir(settings.folder)).toEqual([]);
  await rm(folder, { recursive: true });
});
