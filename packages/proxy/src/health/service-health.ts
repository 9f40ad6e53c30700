/** Ports at which load balancers ask whether this node has endpoints of a service (pkg/proxy/healthcheck/service_health.go). */
import type { Running } from '@keelson/component/running';
import { type PlainAnswer, servePlain } from '@keelson/component/serving/plain';
import { JSON_HEADERS } from './progress.ts';

export interface ServiceHealthOptions {
  /** Addresses to listen at. */
  readonly hosts: readonly string[];
  /** Whether the proxy itself is well. */
  readonly isHealthy: () => boolean;
  /** Called when a port cannot be listened at. */
  readonly failed: (service: string, port: number, error: Error) => void;
}

interface Opened {
  readonly port: number;
  readonly servers: Promise<readonly Running[]>;
  endpoints: number;
}

export class ServiceHealth {
  readonly #options: ServiceHealthOptions;
  /** By `namespace/name`. */
  readonly #services = new Map<string, Opened>();

  constructor(options: ServiceHealthOptions) {
    this.#options = options;
  }

  /** @param port 0: none. @param endpoints how many of the service's there are on this node, and ready */
  set(service: string, port: number, endpoints: number): void {
    const known = this.#services.get(service);
    if (known?.port === port) {
      known.endpoints = endpoints;
      return;
    }
    if (known) this.#close(service, known);
    if (port !== 0) this.#services.set(service, { port, endpoints, servers: this.#open(service, port) });
  }

  async stop(): Promise<void> {
    const open = [...this.#services.values()];
    this.#services.clear();
    await Promise.all(open.map(stopServers));
  }

  async #open(service: string, port: number): Promise<readonly Running[]> {
    const servers: Running[] = [];
    for (const host of this.#options.hosts) {
      try {
        servers.push(await servePlain({ host, port }, () => this.#answer(service)));
      } catch (error) {
        // A later change tries again. It may have another port by now.
        if (this.#services.get(service)?.port === port) this.#services.delete(service);
        await Promise.all(servers.map((server) => server.stop()));
        this.#options.failed(service, port, error as Error);
        return [];
      }
    }
    return servers;
  }

  #close(service: string, opened: Opened): void {
    this.#services.delete(service);
    void stopServers(opened);
  }

  #answer(service: string): PlainAnswer | undefined {
    const endpoints = this.#services.get(service)?.endpoints;
    if (endpoints === undefined) return undefined;
    const [namespace, name] = service.split('/');
    const serviceProxyHealthy = this.#options.isHealthy();
    return {
      status: endpoints > 0 && serviceProxyHealthy ? 200 : 503,
      headers: { ...JSON_HEADERS, 'x-load-balancing-endpoint-weight': String(endpoints) },
      body: JSON.stringify(
        { service: { namespace, name }, localEndpoints: endpoints, serviceProxyHealthy },
        null,
        '\t',
      ),
    };
  }
}

async function stopServers({ servers }: Opened): Promise<void> {
  await Promise.all((await servers).map((server) => server.stop()));
}
