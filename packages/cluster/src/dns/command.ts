import { connect, systemWorld } from '@keelson/client';
import { METRICS_CONTENT_TYPE, MetricsRegistry } from '@keelson/component/metrics/registry';
import { together } from '@keelson/component/running';
import { servePlain } from '@keelson/component/serving/plain';
import type { Command } from '../commands/command.ts';
import { type Component, helpTexts, runComponent } from '../commands/component.ts';
import type { Io } from '../commands/io.ts';
import { rateLimitOf, readKubeconfigOrPod } from '../connection.ts';
import { endpointOf } from '../kube-proxy/configuration.ts';
import { StartupError } from '../startup-error.ts';
import { descriptions, flags } from './flags.ts';
import { dnsSlices, METRICS_PORT } from './service.ts';

const component = (env: Io['env']): Component<typeof flags> => ({
  name: 'keelson dns',
  summary: 'A name server for a cluster: names of services and pods, and those of the machine’s servers.',
  flags,
  descriptions,
  validate: () => [],
  async start(values, given, logger) {
    const config = await readKubeconfigOrPod(values.kubeconfig, env);
    const client = connect(config, {
      component: 'kube-dns',
      world: systemWorld(logger),
      rateLimit: rateLimitOf(values, given),
    });
    const metrics = new MetricsRegistry();
    const endpoint = endpointOf(values['metrics-bind-address'], METRICS_PORT);
    const { followMachines, startDns } = await import('@keelson/dns');
    try {
      const dns = await startDns({
        client,
        host: values['bind-address'],
        port: values.port,
        domain: values['cluster-domain'],
        resolvConf: values['resolv-conf'],
        clusterDns: values['cluster-dns'],
        metrics,
      });
      const parts = values['follow-machines'] ? [dns, followMachines({ client, ...dnsSlices })] : [dns];
      if (endpoint === undefined) return together(parts);
      const health = await servePlain(endpoint, async (path) => {
        if (path === '/metrics')
          return { body: await metrics.text(), headers: { 'content-type': METRICS_CONTENT_TYPE } };
        if (path === '/health') return { body: 'OK' };
        if (path !== '/ready') return undefined;
        return dns.isReady ? { body: 'OK' } : { status: 503, body: 'names are still being read' };
      });
      return together([...parts, health]);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL') {
        throw new StartupError(message, 'choose another --bind-address, --port or --metrics-bind-address');
      }
      throw error;
    }
  },
});

/** `keelson dns`: runs until the process is asked to end. @returns the exit code */
export const dns = (argv: readonly string[], io: Io): Promise<number> => runComponent(component(io.env), argv, io);

export const command: Command = { flags, descriptions: helpTexts(flags, descriptions), run: dns };
