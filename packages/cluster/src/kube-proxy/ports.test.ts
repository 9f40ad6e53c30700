import { MetricsRegistry } from '@keelson/component/metrics/registry';
import type { PlainRequest } from '@keelson/component/serving/plain';
import { expect, it } from 'vitest';
import { metricsOf } from './ports.ts';

const handle = metricsOf(new MetricsRegistry(), { nodeName: 'n' }, { 'proxy-mode': 'nftables' });
const get = (url: string, headers: PlainRequest['headers'] = {}) =>
  handle(url.split('?')[0]!, { method: 'GET', url, headers });

it.each([
  ['/proxyMode', 'nftables'],
  ['/healthz', 'ok'],
  ['/configz', '{"kubeproxy.config.k8s.io":{"mode":"nftables","nodeName":"n"}}'],
])('%s', async (path, body) => expect(await get(path)).toMatchObject({ body }));

it('says what it is and which flags it runs with', async () => {
  const { body = '' } = (await get('/statusz')) ?? {};
  expect(body).toContain('\nkube-proxy statusz\n');
  expect(body).toContain('\nPaths: /configz /flagz /healthz /metrics /proxyMode\n');
  const accept = 'application/json;g=config.k8s.io;v=v1beta1;as=Flagz';
  expect(JSON.parse((await get('/flagz', { accept }))!.body)).toMatchObject({
    kind: 'Flagz',
    metadata: { name: 'kube-proxy' },
    flags: { 'proxy-mode': 'nftables' },
  });
  expect(await get('/nothing')).toBeUndefined();
});

it('refuses forms that there are not', async () => {
  await expect(get('/flagz', { accept: 'application/xml' })).rejects.toMatchObject({ status: 406 });
});
