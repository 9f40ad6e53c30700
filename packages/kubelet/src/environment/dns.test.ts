import { mkdtempSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { dnsOf, hostnameOf, parseResolvConf } from './dns.ts';

const settings = {
  clusterDns: ['10.96.0.10'],
  clusterDomain: 'cluster.local',
  resolvConf: join(mkdtempSync(join(tmpdir(), 'keelson-dns-')), 'resolv.conf'),
};
beforeAll(() => writeFile(settings.resolvConf, 'nameserver 192.0.2.53\nsearch example.com corp.\noptions timeout:1\n'));
afterAll(() => rm(dirname(settings.resolvConf), { recursive: true }));

const pod = (spec: object) => podOf({ containers: [container('a')], ...spec });
const own = ['default.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];
const host = { servers: ['192.0.2.53'], searches: ['example.com', 'corp'], options: ['timeout:1'] };

describe('dnsOf', () => {
  it.each([
    ['by default', {}, { servers: ['10.96.0.10'], searches: [...own, 'example.com', 'corp'], options: ['ndots:5'] }],
    ['Default', { dnsPolicy: 'Default' }, host],
    ['on the host network', { hostNetwork: true }, host],
    [
      'on the host network, all the same',
      { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
      { servers: ['10.96.0.10'], options: ['ndots:5'] },
    ],
    [
      'of its own',
      {
        dnsPolicy: 'None',
        dnsConfig: {
          nameservers: ['1.1.1.1'],
          searches: ['s'],
          options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
        },
      },
      { servers: ['1.1.1.1'], searches: ['s'], options: ['ndots:2', 'edns0'] },
    ],
    ['with options of its own', { dnsConfig: { options: [{ name: 'ndots', value: '1' }] } }, { options: ['ndots:1'] }],
  ])('%s', async (_, spec, want) => expect(await dnsOf(pod(spec), settings, [])).toMatchObject(want));

  it("is the host's where the cluster has no server", async () => {
    expect(await dnsOf(pod({}), { ...settings, clusterDns: [] }, [])).toEqual(host);
  });

  it.each([
    [[], ['127.0.0.1']],
    [
      ['192.0.2.1', '2001:db8::1'],
      ['127.0.0.1', '::1'],
    ],
  ])('is that of the node itself where no file is named, of %j', async (hostIps, servers) => {
    const none = { ...settings, resolvConf: '' };
    expect(await dnsOf(pod({ dnsPolicy: 'Default' }), none, hostIps)).toEqual({ servers, searches: [], options: [] });
  });

  it('is told as it is when the pod starts, and fails where it cannot be read', async () => {
    const resolvConf = `${settings.resolvConf}.other`;
    const servers = async () => (await dnsOf(pod({ dnsPolicy: 'Default' }), { ...settings, resolvConf }, [])).servers;
    await expect(servers()).rejects.toThrow(`open ${resolvConf}: no such file or directory`);
    await writeFile(resolvConf, 'nameserver 192.0.2.54\n');
    expect(await servers()).toEqual(['192.0.2.54']);
  });
});

describe('parseResolvConf', () => {
  it('takes the last search', () => {
    expect(parseResolvConf('# c\nsearch a b\nsearch c\nnameserver ::1').searches).toEqual(['c']);
  });
});

describe('hostnameOf', () => {
  it.each([
    ['its name', pod({}), { hostname: 'web', domain: '' }],
    ['its own', pod({ hostname: 'h', subdomain: 's' }), { hostname: 'h', domain: 's.default.svc.cluster.local' }],
    [
      'in place of all',
      pod({ hostname: 'h', subdomain: 's', hostnameOverride: 'o.example.com' }),
      { hostname: 'o.example.com', domain: '' },
    ],
    ['cut short', podOf({ containers: [] }, { name: `${'a'.repeat(62)}-b` }), { hostname: 'a'.repeat(62), domain: '' }],
  ])('%s', (_, of, want) => expect(hostnameOf(of, 'cluster.local')).toEqual(want));
});
