/**
 * The service `default/kubernetes`, behind which stand all API servers of the cluster
 * (pkg/controlplane/controller/kubernetesservice).
 */
import { isDeepStrictEqual } from 'node:util';
import type { Endpoints, Service } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { formatIP, networkOf, parseCIDRSloppy } from '@keelson/api/ip';
import type { TypedObject } from '@keelson/api/object';
import type { Logger } from '@keelson/component/logs/logger';
import type { Store } from '@keelson/storage/store';
import { asError } from '../aggregate.ts';
import { type EndpointReconciler, endpointReconciler, type ReconcilerType } from './endpoint-reconciler.ts';
import { Periodic } from './periodic.ts';
import { type BootstrapClient, createOnly, ensure, type Write } from './reconcile.ts';
import { retire } from './retire.ts';

const NAME = 'kubernetes';
const NAMESPACE = 'default';
const PORT_NAME = 'https';
const INTERVAL_MS = 10_000;

/** @param nodePort 0: none */
function kubernetesService(clusterIP: string, targetPort: number, nodePort: number): Service {
  return {
    kind: 'Service',
    apiVersion: 'v1',
    metadata: { name: NAME, namespace: NAMESPACE, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      ports: [{ name: PORT_NAME, protocol: 'TCP', port: 443, targetPort, ...(nodePort > 0 ? { nodePort } : {}) }],
      clusterIP,
      type: nodePort > 0 ? 'NodePort' : 'ClusterIP',
      sessionAffinity: 'None',
      ipFamilyPolicy: 'SingleStack',
    },
    status: { loadBalancer: {} },
  };
}

/** @param addresses of all servers, sorted */
export function kubernetesEndpoints(addresses: readonly string[], port: number): Endpoints {
  return {
    kind: 'Endpoints',
    apiVersion: 'v1',
    metadata: { name: NAME, namespace: NAMESPACE, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets:
      addresses.length === 0
        ? []
        : [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: PORT_NAME, port, protocol: 'TCP' }] }],
  };
}

/** @param addresses of all servers, sorted, of one family */
function kubernetesEndpointSlice(addresses: readonly string[], port: number): EndpointSlice {
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: { name: NAME, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': NAME } },
    addressType: addresses[0]?.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: addresses.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
    ports: [{ name: PORT_NAME, port, protocol: 'TCP' }],
  };
}

/** Everything but the metadata is as desired; of that the labels. */
export function reconcileEndpoints<T extends Endpoints | EndpointSlice>(desired: T, live: T | undefined): Write<T>[] {
  if (!live) return [{ type: 'create', object: desired }];
  const labels = { ...live.metadata.labels, ...desired.metadata.labels };
  const next: T = { ...live, ...desired, metadata: { ...live.metadata, labels } };
  return isDeepStrictEqual(next, live) ? [] : [{ type: 'update', object: next }];
}

export interface KubernetesServiceOptions {
  readonly client: BootstrapClient;
  readonly store: Store;
  readonly logger: Logger;
  /** The first is the service's. */
  readonly serviceClusterIpRanges: readonly string[];
  readonly advertiseAddress: string;
  readonly port: number;
  /** At which every node leads to the service. Default: none does. */
  readonly kubernetesServiceNodePort?: number;
  readonly endpointReconciler?: ReconcilerType;
  readonly apiServerCount?: number;
}

export class KubernetesService {
  readonly #options: KubernetesServiceOptions;
  readonly #keeping: Periodic;
  readonly #reconciler: EndpointReconciler;

  constructor(options: KubernetesServiceOptions) {
    this.#options = options;
    const { endpointReconciler: type = 'lease', store, advertiseAddress, apiServerCount = 1 } = options;
    this.#reconciler = endpointReconciler({ type, store, advertiseAddress, apiServerCount });
    this.#keeping = new Periodic(
      () => this.#reconcile(),
      INTERVAL_MS,
      (thrown) => this.#report(thrown),
    );
  }

  /** Resolves when the service and its endpoints are there; keeps them so until stopped. */
  start(): Promise<void> {
    return this.#keeping.start();
  }

  /** This server is no endpoint any more. What fails is logged: the server goes anyway. */
  async stop(): Promise<void> {
    const end = this.#keeping.stop().then(() => this.#retire());
    await retire(end, (thrown) => this.#report(thrown));
  }

  async #retire(): Promise<void> {
    const others = await this.#reconciler.leave(await this.#listed());
    if (others) await this.#writeEndpoints(others);
  }

  async #reconcile(): Promise<void> {
    const { client, serviceClusterIpRanges, port, kubernetesServiceNodePort = 0 } = this.#options;
    const address = firstAddress(serviceClusterIpRanges[0] ?? '');
    await ensure(client, kubernetesService(address, port, kubernetesServiceNodePort), createOnly);
    const all = await this.#reconciler.join(await this.#listed());
    // A server that only this machine reaches is no endpoint for others; it serves those who reach it nevertheless.
    if (all) await this.#writeEndpoints(all).catch((thrown: unknown) => this.#report(thrown));
  }

  /** The addresses that the endpoints name. */
  async #listed(): Promise<readonly string[]> {
    const endpoints = await this.#options.client.get('v1', 'Endpoints', NAMESPACE, NAME);
    const [subset] = (endpoints as TypedObject as Endpoints | undefined)?.subsets ?? [];
    return (subset?.addresses ?? []).map(({ ip }) => ip);
  }

  async #writeEndpoints(addresses: readonly string[]): Promise<void> {
    const { client, port } = this.#options;
    await ensure(client, kubernetesEndpoints(addresses, port), reconcileEndpoints);
    await ensure(client, kubernetesEndpointSlice(addresses, port), reconcileEndpoints);
  }

  #report(thrown: unknown): void {
    this.#options.logger.error(
      { error: asError(thrown).message },
      'the endpoints of the kubernetes service are not up to date',
    );
  }
}

/** The address after the network's own. */
function firstAddress(range: string): string {
  const cidr = parseCIDRSloppy(range);
  if (!cidr) throw new Error(`no service range: ${range}`);
  const network = networkOf(cidr);
  return formatIP({ ...network, value: network.value + 1n });
}
