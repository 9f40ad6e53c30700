import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cniConfiguration, removeCni, writeCni } from './cni.ts';
import { masquerading } from './masquerade.ts';
import { listedOnLink, listedRoutes, type Route, routeChanges } from './routes.ts';
import { type Device, deviceChanges, entriesFor, entryChanges, listedDevice, listedEntries, macOf } from './tunnel.ts';

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
  [
    'one leads through the tunnel now',
    [to('10.1.0.0/24', '10.0.0.1')],
    [{ ...to('10.1.0.0/24', '10.1.0.0'), device: 'keelson-vxlan4' }],
    ['route del 10.1.0.0/24 via 10.0.0.1 proto 75'],
    ['route replace 10.1.0.0/24 via 10.1.0.0 dev keelson-vxlan4 onlink proto 75'],
  ],
  [
    'one leads through the tunnel as it did',
    [to('10.1.0.0/24', '10.1.0.0')],
    [{ ...to('10.1.0.0/24', '10.1.0.0'), device: 'keelson-vxlan4' }],
    [],
    [],
  ],
])('routes: %s', (_, actual, wanted, gone, come) => {
  expect(routeChanges(actual, wanted)).toEqual({ gone, come });
});

test('routes as ip lists them', () => {
  const listing = '[{"dst":"10.1.0.0/24","gateway":"10.0.0.1","dev":"eth0"},{"dst":"10.1.1.1","gateway":"10.0.0.2"}]';
  expect(listedRoutes('IPv4', listing)).toEqual([to('10.1.0.0/24', '10.0.0.1'), to('10.1.1.1/32', '10.0.0.2')]);
  expect(listedRoutes('IPv6', '')).toEqual([]);
});

test('nodes on the segment, as ip lists the ways to some', () => {
  const lines = [
    '[{"dst":"10.0.0.2","dev":"eth0","prefsrc":"10.0.0.1","flags":[],"uid":0,"cache":[]}]',
    '[{"dst":"192.168.0.3","gateway":"10.0.0.254","dev":"eth0","prefsrc":"10.0.0.1","flags":[],"cache":[]}]',
    '[{"dst":"fd00:0::2","dev":"eth0","prefsrc":"fd00::1"}]',
  ];
  expect([...listedOnLink(`${lines.join('\n')}\n`)]).toEqual(['10.0.0.2', 'fd00::2']);
});

const device: Device = {
  id: 1,
  port: 8472,
  local: '10.0.0.1',
  mac: '02:00:00:00:00:01',
  mtu: 1450,
  addresses: ['10.1.0.0'],
  isUp: true,
  learns: false,
};
const added = [
  'link add keelson-vxlan4 address 02:00:00:00:00:01 mtu 1450 type vxlan id 1 dstport 8472 local 10.0.0.1 nolearning',
  'link set keelson-vxlan4 addrgenmode none',
  'link set keelson-vxlan4 up',
  'address add 10.1.0.0/32 dev keelson-vxlan4',
];
test.each<[string, Device | undefined, Device | undefined, string[]]>([
  ['none', undefined, undefined, []],
  ['one that is made', undefined, device, added],
  ['one that stays', device, { ...device }, []],
  ['one that goes', device, undefined, ['link del keelson-vxlan4']],
  ['one that somebody has put down', { ...device, isUp: false }, device, ['link del keelson-vxlan4', ...added]],
  ['one of another address', { ...device, local: '10.0.0.9' }, device, ['link del keelson-vxlan4', ...added]],
])('the tunnel’s device: %s', (_, actual, wanted, lines) => {
  expect(deviceChanges('IPv4', actual, wanted)).toEqual(lines);
});

test('what leads through the tunnel: one node comes, one has another address, one goes', () => {
  const peer = (nodeName: string, address: string) => ({
    family: 'IPv4' as const,
    nodeName,
    address,
    range: { b: '10.1.1.0/24', c: '10.1.2.0/24' }[nodeName]!,
  });
  const [b, c] = [macOf('b'), macOf('c')];
  const none = entriesFor([]);
  expect(entryChanges('IPv4', none, entriesFor([peer('b', '10.8.0.1')]))).toEqual({
    forwarding: [`fdb replace ${b} dev keelson-vxlan4 dst 10.8.0.1 self permanent`],
    neighbours: [`neighbour replace 10.1.1.0 lladdr ${b} dev keelson-vxlan4 nud permanent`],
  });
  const both = entriesFor([peer('b', '10.8.0.1'), peer('c', '10.9.0.1')]);
  expect(entryChanges('IPv4', both, entriesFor([peer('c', '10.9.0.7')]))).toEqual({
    forwarding: [
      `fdb del ${b} dev keelson-vxlan4 dst 10.8.0.1 self`,
      `fdb replace ${c} dev keelson-vxlan4 dst 10.9.0.7 self permanent`,
    ],
    neighbours: ['neighbour del 10.1.1.0 dev keelson-vxlan4'],
  });
  expect(b).toMatch(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/);
  expect(Number.parseInt(b.slice(0, 2), 16) & 3).toBe(2);
});

test('the tunnel as ip and bridge list it', () => {
  const data = { id: 1, local: '10.0.0.1', port: 8472, learning: false };
  const addresses = [
    { local: '10.1.0.0', scope: 'global' },
    { local: 'fe80::1', scope: 'link' },
  ];
  const listed = {
    ifname: 'keelson-vxlan4',
    flags: ['BROADCAST', 'UP'],
    mtu: 1450,
    address: '02:00:00:00:00:01',
    linkinfo: { info_kind: 'vxlan', info_data: data },
    addr_info: addresses,
  };
  const listing = JSON.stringify([{ ifname: 'flannel.1' }, listed]);
  expect(listedDevice('IPv4', listing)).toEqual(device);
  expect(listedDevice('IPv6', listing)).toBeUndefined();
  expect(listedDevice('IPv4', '')).toBeUndefined();
  const neighbours = '[{"dst":"10.1.1.0","lladdr":"02:00:00:00:00:02","state":["PERMANENT"]}]';
  const forwarding = '[{"mac":"02:00:00:00:00:02","dst":"10.8.0.1","flags":["self"],"state":"permanent"}]';
  const { neighbours: byAddress, forwarding: byMac } = listedEntries(neighbours, forwarding);
  expect([...byAddress, ...byMac].flat()).toEqual(['10.1.1.0', '02:00:00:00:00:02', '02:00:00:00:00:02', '10.8.0.1']);
});

test('what leaves the cluster is masqueraded, in one transaction', () => {
  const peers = [{ family: 'IPv4' as const, range: '10.1.1.0/24', nodeName: 'b', address: '10.8.0.1' }];
  const pods = { IPv4: ['10.1.0.0/24', '10.1.1.0/24'], IPv6: [] };
  const plan = { nodeName: 'a', ranges: ['10.1.0.0/24'], addresses: {}, peers, pods };
  const table = `add table ip keelson-pod-network
delete table ip keelson-pod-network
add table ip keelson-pod-network
add set ip keelson-pod-network here { type ipv4_addr; flags interval; auto-merge; elements = { 10.1.0.0/24 }; }
add set ip keelson-pod-network pods { type ipv4_addr; flags interval; auto-merge; elements = { 10.1.0.0/24, 10.1.1.0/24 }; }
add chain ip keelson-pod-network postrouting { type nat hook postrouting priority 100; }
add rule ip keelson-pod-network postrouting ip saddr @here ip daddr != @pods masquerade
`;
  expect(masquerading('IPv4', plan, undefined)).toBe(table);
  // What comes out of a tunnel is of a node, what goes in comes back through it.
  expect(masquerading('IPv4', plan, device)).toBe(`${table}\
add rule ip keelson-pod-network postrouting oifname keelson-vxlan4 ip saddr != @pods masquerade
add set ip keelson-pod-network nodes { type ipv4_addr; elements = { 10.8.0.1 }; }
add chain ip keelson-pod-network input { type filter hook input priority 0; }
add rule ip keelson-pod-network input udp dport 8472 ip saddr != @nodes drop
`);
  expect(masquerading('IPv6', plan, undefined)).toBe(
    'add table ip6 keelson-pod-network\ndelete table ip6 keelson-pod-network\n',
  );
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
