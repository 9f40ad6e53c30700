import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseFlags } from '@keelson/component/pflag/flags';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { configurationOf } from './configuration.ts';
import { flags } from './flags.ts';

const read = (...argv: string[]) => configurationOf(parseFlags(flags, argv).values);
let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'kp-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function fileOf(text: string, kind = 'KubeProxyConfiguration'): Promise<string> {
  const file = join(directory, 'config.yaml');
  await writeFile(file, `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: ${kind}\n${text}`);
  return `--config=${file}`;
}

test('without anything', async () => {
  expect(await read('--kubeconfig=k')).toMatchObject({
    kubeconfig: 'k',
    nodeName: '',
    healthz: { host: '0.0.0.0', port: 10_256 },
    metrics: { host: '127.0.0.1', port: 10_249 },
    settings: {
      masqueradeBit: 14,
      minSyncMs: 1_000,
      syncMs: 30_000,
      nodePortAddresses: 'primary',
      nodeIp: undefined,
      localTraffic: { by: 'ClusterCIDR', ranges: [] },
    },
    conntrack: { maxPerCore: 32_768, min: 131_072, tcpEstablishedMs: 86_400_000, udpMs: 0 },
  });
});

test('flags', async () => {
  const argv = ['--bind-address=10.0.0.1', '--cluster-cidr=10.244.0.0/16,fd00::/64', '--nodeport-addresses=10.0.0.0/8'];
  expect(await read(...argv, '--metrics-bind-address=[::1]:1234', '--conntrack-max-per-core=0')).toMatchObject({
    metrics: { host: '::1', port: 1_234 },
    settings: {
      nodeIp: '10.0.0.1',
      nodePortAddresses: ['10.0.0.0/8'],
      localTraffic: { by: 'ClusterCIDR', ranges: ['10.244.0.0/16', 'fd00::/64'] },
    },
    conntrack: { maxPerCore: 0 },
  });
});

test('fields that a file may not have are told of', async () => {
  const text = 'nothing: 1\nmode: nftables\nconntrack: {maxPerCores: 1}\nnftables: {syncPeriod: 2s}\n';
  expect(await read(await fileOf(text))).toMatchObject({
    settings: { syncMs: 2_000 },
    fault: 'strict decoding error: unknown field "conntrack.maxPerCores" (maxPerCore?), unknown field "nothing"',
  });
});

test('a file as kubeadm writes it, whose node is named by a flag', async () => {
  const text = `
bindAddress: 0.0.0.0
clientConnection: {kubeconfig: /var/lib/kube-proxy/kubeconfig.conf, qps: 0}
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack: {maxPerCore: null, min: null, tcpCloseWaitTimeout: null, tcpEstablishedTimeout: 1h}
detectLocalMode: "NodeCIDR"
healthzBindAddress: ""
hostnameOverride: file
metricsBindAddress: ""
mode: nftables
nftables: {masqueradeAll: true, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 10s}
nodePortAddresses: null
`;
  expect(await read(await fileOf(text), '--hostname-override=flag', '--masquerade-all=false')).toMatchObject({
    kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf',
    nodeName: 'flag',
    healthz: { port: 10_256 },
    settings: {
      masqueradeAll: true,
      masqueradeBit: 14,
      minSyncMs: 0,
      syncMs: 10_000,
      localTraffic: { by: 'NodeCIDR' },
    },
    conntrack: { maxPerCore: 32_768, tcpEstablishedMs: 3_600_000, tcpCloseWaitMs: 3_600_000 },
    fault: undefined,
  });
});

describe('refused', () => {
  test.each([
    ['--proxy-mode=iptables', /mode iptables/],
    ['--cluster-cidr=10.0.0.0', /no CIDR/],
    ['--nodeport-addresses=10.0.0.0/33', /no CIDR/],
    ['--detect-local-mode=Other', /Other/],
    ['--detect-local-mode=BridgeInterface', /no name of an interface/],
    ['--iptables-masquerade-bit=32', /bit/],
    ['--healthz-bind-address=localhost', /no address/],
    ['--config=/nowhere', /cannot use/],
  ])('%s', async (flag, message) => {
    await expect(read(flag)).rejects.toThrow(message);
  });
  test.each([
    ['', 'Other'],
    ['conntrack: {udpTimeout: soon}', 'KubeProxyConfiguration'],
    ['detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: "x; drop"}', 'KubeProxyConfiguration'],
  ])('a file with %j of kind %s', async (text, kind) => {
    await expect(read(await fileOf(text, kind))).rejects.toThrow();
  });
});
