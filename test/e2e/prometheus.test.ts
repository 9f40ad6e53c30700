import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { freePort, startProgram } from '../support/process.ts';
import { onEveryStorage } from '../support/suite.ts';
import { tool } from '../support/tools.ts';

interface Targets {
  readonly data: { readonly activeTargets: readonly { readonly discoveredLabels: Record<string, string> }[] };
}

interface Samples {
  readonly data: { readonly result: readonly { readonly metric: Record<string, string> }[] };
}

onEveryStorage('Prometheus', ['prometheus'], (subject) => {
  test('discovers pods, services, nodes and endpoint slices, and what changes', async () => {
    const ns = await subject.namespace();
    const k = subject.kubectl;
    const { server } = subject;
    const port = await freePort();
    const roles = ['pod', 'service', 'node', 'endpointslice'];
    const config = {
      scrape_configs: roles.map((role) => ({
        job_name: role,
        kubernetes_sd_configs: [{ role, kubeconfig_file: server.kubeconfig }],
      })),
    };
    await writeFile(join(server.directory, 'prometheus.yml'), JSON.stringify(config));
    const prometheus = startProgram(tool('prometheus'), [
      `--config.file=${join(server.directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(server.directory, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    /** The names of what was discovered for a role in the test's namespace (or in none). */
    const discovered = async (role: string, name: string) => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/targets?state=active`);
      const { data } = (await response.json()) as Targets;
      const labels = data.activeTargets.map((target) => target.discoveredLabels);
      const own = labels.filter((l) => l.job === role && [ns, undefined].includes(l.__meta_kubernetes_namespace));
      return own.map((l) => l[name]);
    };
    try {
      await k`create serviceaccount default -n ${ns}`;
      await k`create service clusterip web -n ${ns} --tcp=80:8080`;
      const manifest = [
        { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } },
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'web-1', namespace: ns },
          spec: {
            nodeName: 'node-1',
            automountServiceAccountToken: false,
            containers: [{ name: 'c', image: 'i', ports: [{ containerPort: 8080 }] }],
          },
        },
        {
          apiVersion: 'discovery.k8s.io/v1',
          kind: 'EndpointSlice',
          metadata: { name: 'web-1', namespace: ns, labels: { 'kubernetes.io/service-name': 'web' } },
          addressType: 'IPv4',
          ports: [{ name: 'http', port: 8080 }],
          endpoints: [{ addresses: ['10.1.2.3'] }],
        },
      ];
      const items = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifest });
      await k.with({ stdin: items })`create -f -`;
      const status = { status: { podIP: '10.1.2.3', podIPs: [{ ip: '10.1.2.3' }], phase: 'Running' } };
      await k`patch pod web-1 -n ${ns} --subresource=status --type=merge -p ${JSON.stringify(status)}`;
      const addresses = { status: { addresses: [{ type: 'InternalIP', address: '10.0.0.9' }] } };
      await k`patch node node-1 --subresource=status --type=merge -p ${JSON.stringify(addresses)}`;

      const wait = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 250 });
      await wait(async () => {
        expect(await discovered('pod', '__meta_kubernetes_pod_ip')).toEqual(['10.1.2.3']);
        expect(await discovered('service', '__meta_kubernetes_service_name')).toEqual(['web']);
        expect(await discovered('node', '__meta_kubernetes_node_name')).toEqual(['node-1']);
        expect(await discovered('endpointslice', '__address__')).toEqual(['10.1.2.3:8080']);
      });
      await k`delete service web -n ${ns}`;
      await wait(async () => expect(await discovered('service', '__meta_kubernetes_service_name')).toEqual([]));
      expect(prometheus.output()).not.toMatch(/level=ERROR/);
    } finally {
      await prometheus.stop();
    }
  }, 60_000);

  test('scrapes the metrics of the server and of its checks', async () => {
    const { server } = subject;
    const port = await freePort();
    await writeFile(join(server.directory, 'ca.crt'), server.ca);
    const scrape_configs = ['/metrics', '/metrics/slis'].map((path) => ({
      job_name: path,
      metrics_path: path,
      scheme: 'https',
      scrape_interval: '1s',
      scrape_timeout: '1s',
      authorization: { credentials: server.token },
      tls_config: { ca_file: 'ca.crt' },
      static_configs: [{ targets: [new URL(server.url).host] }],
    }));
    await writeFile(join(server.directory, 'scrape.yml'), JSON.stringify({ scrape_configs }));
    const prometheus = startProgram(tool('prometheus'), [
      `--config.file=${join(server.directory, 'scrape.yml')}`,
      `--storage.tsdb.path=${join(server.directory, 'scraped')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    const query = async (expression: string) => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`);
      return ((await response.json()) as Samples).data.result;
    };
    const wait = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 250 });
    try {
      await subject.kubectl`get configmaps --all-namespaces`;
      await wait(async () => {
        expect((await query('up == 1')).map((sample) => sample.metric.job).sort()).toEqual([
          '/metrics',
          '/metrics/slis',
        ]);
        const scrapes = await query('apiserver_request_total{verb="GET",code="200",group="",resource=""}');
        expect(scrapes.length).toBeGreaterThan(0);
        expect(
          await query(
            'histogram_quantile(0.9, apiserver_request_duration_seconds_bucket{verb="LIST",resource="configmaps"}) > 0',
          ),
        ).not.toEqual([]);
        expect(await query('kubernetes_healthcheck{name="etcd",type="readyz"} == 1')).not.toEqual([]);
      });
      expect(prometheus.output()).not.toMatch(/level=(ERROR|WARN).*scrape/);
    } finally {
      await prometheus.stop();
    }
  }, 60_000);
});
