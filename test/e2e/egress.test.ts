/** The API server's own connections through proxies, as --egress-selector-config-file says. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startConnectProxy, startKonnectivity, type TestProxy } from '@keelson/apiserver/egress/testing';
import { createAuthority, issue } from '@keelson/cluster/pki/certificate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { type Etcd, startEtcd } from '../support/etcd.ts';
import { type FakeKubelet, startFakeKubelet } from '../support/fake-kubelet.ts';
import { missing } from '../support/tools.ts';

const skip = missing('etcd');
const PODS = '/api/v1/namespaces/default/pods';

describe.skipIf(skip !== undefined)(skip ? `(skipped: ${skip})` : '', () => {
  let root: string;
  let etcd: Etcd;
  let kubelet: FakeKubelet;
  let proxies: Record<'cluster' | 'controlplane' | 'etcd', TestProxy>;
  let server: ApiServer;
  let client: ApiClient;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'ke-'));
    const file = async (name: string, content: string) => {
      await writeFile(join(root, name), content);
      return join(root, name);
    };
    [etcd, kubelet] = [await startEtcd(), await startFakeKubelet()];
    const now = new Date();
    const authority = await createAuthority('proxies', now);
    const serving = await issue({ commonName: 'proxy', usage: 'server', names: ['127.0.0.1'] }, authority, now);
    const own = await issue({ commonName: 'kube-apiserver', usage: 'client' }, authority, now);
    const tls = { cert: serving.certificate, key: serving.key, ca: authority.certificate };
    proxies = {
      cluster: await startConnectProxy({ tls: { ...tls, requestCert: true, rejectUnauthorized: true } }),
      controlplane: await startKonnectivity(join(root, 'konnectivity.sock')),
      etcd: await startConnectProxy({ path: join(root, 'etcd.sock') }),
    };
    const tlsConfig = {
      caBundle: await file('proxies.crt', authority.certificate),
      clientCert: await file('proxy-client.crt', own.certificate),
      clientKey: await file('proxy-client.key', own.key),
    };
    const over = (proxyProtocol: string, transport: object) => ({ proxyProtocol, transport });
    const selections = {
      cluster: over('HTTPConnect', { tcp: { url: `https://127.0.0.1:${proxies.cluster.port}`, tlsConfig } }),
      controlplane: over('GRPC', { uds: { udsName: join(root, 'konnectivity.sock') } }),
      etcd: over('HTTPConnect', { uds: { udsName: join(root, 'etcd.sock') } }),
    };
    const configuration = {
      apiVersion: 'apiserver.k8s.io/v1beta1',
      kind: 'EgressSelectorConfiguration',
      egressSelections: Object.entries(selections).map(([name, connection]) => ({ name, connection })),
    };
    server = await startApiServer(
      'etcd',
      [
        `--egress-selector-config-file=${await file('egress.yaml', JSON.stringify(configuration))}`,
        `--kubelet-certificate-authority=${await file('ca.crt', kubelet.ca)}`,
        `--kubelet-client-certificate=${await file('client.crt', kubelet.client.certificate)}`,
        `--kubelet-client-key=${await file('client.key', kubelet.client.key)}`,
      ],
      etcd,
    );
    client = apiClient(server.url, server.token);
    await client.send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
    await client.send('POST', '/api/v1/nodes', { metadata: { name: 'n' } });
    await client.send('PATCH', '/api/v1/nodes/n/status', {
      status: {
        addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
        daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
      },
    });
    const containers = [{ name: 'c', image: 'i' }];
    await client.send('POST', PODS, { metadata: { name: 'p' }, spec: { nodeName: 'n', containers } });
  }, 60_000);
  afterAll(async () => {
    client?.close();
    await server?.stop();
    await kubelet?.stop();
    for (const proxy of Object.values(proxies ?? {})) proxy.close();
    await etcd?.stop();
    await rm(root, { recursive: true });
  });

  test('etcd is reached through its own, and by nothing else', () => {
    const { host } = new URL(etcd.url);
    expect(new Set(proxies.etcd.targets)).toEqual(new Set([host]));
  });

  test('a node through that of the cluster', async () => {
    const { status, body } = await client.send('GET', `${PODS}/p/log`);
    expect([status, body]).toEqual([200, expect.stringContaining('first\n')]);
    expect(new Set(proxies.cluster.targets)).toEqual(new Set([`127.0.0.1:${kubelet.port}`]));
  });

  test('a webhook with an address through that of the control plane', async () => {
    const rules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }];
    const created = await client.send('POST', '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
      metadata: { name: 'hook' },
      webhooks: [
        {
          name: 'hook.example.com',
          clientConfig: { url: 'https://127.0.0.1:1/' },
          rules,
          sideEffects: 'None',
          admissionReviewVersions: ['v1'],
        },
      ],
    });
    expect(created.status).toBe(201);
    await expect
      .poll(
        async () => {
          const maps = '/api/v1/namespaces/default/configmaps';
          const { status, body } = await client.send('POST', maps, { metadata: { generateName: 'c' } });
          return status === 500 && (JSON.parse(body) as { message: string }).message;
        },
        { timeout: 30_000 },
      )
      .toMatch(/failed calling webhook "hook.example.com".*ECONNREFUSED/);
    expect(new Set(proxies.controlplane.targets)).toEqual(new Set(['127.0.0.1:1']));
  });

  test('a node that cannot be reached is told of, and all is counted', async () => {
    await client.send('PATCH', '/api/v1/nodes/n/status', {
      status: { daemonEndpoints: { kubeletEndpoint: { Port: 1 } } },
    });
    const { status, body } = await client.send('GET', `${PODS}/p/log`);
    expect(status).toBe(500);
    expect((JSON.parse(body) as { message: string }).message).toBe(
      `Get "https://127.0.0.1:1/containerLogs/default/p/c": proxy error from 127.0.0.1:${proxies.cluster.port} while dialing 127.0.0.1:1, code 503: 503 Service Unavailable`,
    );
    const metrics = (await client.send('GET', '/metrics')).body;
    const count = (name: string) =>
      Number(new RegExp(`^apiserver_egress_dialer_dial_${name} (.*)$`, 'm').exec(metrics)?.[1]);
    expect(count('failure_count{protocol="http_connect",stage="proxy",transport="tcp"}')).toBe(1);
    expect(count('start_total{protocol="http_connect",transport="tcp"}')).toBe(2);
    expect(count('start_total{protocol="http_connect",transport="uds"}')).toBeGreaterThan(0);
    expect(count('failure_count{protocol="grpc",stage="proxy",transport="uds"}')).toBeGreaterThan(0);
    expect(metrics).toMatch(/^konnectivity_network_proxy_client_dial_failure_total\{reason="endpoint"\} \d/m);
  });
});
