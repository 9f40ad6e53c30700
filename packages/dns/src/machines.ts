/**
 * Name servers that are no pods: each has an endpoint slice of its own, which is ready as long as the node of its machine is. All
 * name servers say so of all, for a machine that is lost cannot say it of itself.
 */
import type { Node } from '@keelson/api/generated/types/core/v1';
import type { EndpointSlice } from '@keelson/api/generated/types/discovery/v1';
import { type Client, InformerFactory, resources, withoutManagedFields } from '@keelson/client';
import { Rounds } from '@keelson/component/promises';
import type { Running } from '@keelson/component/running';

export interface MachinesOptions {
  /** May list and watch nodes and endpoint slices, and update these in the namespace of the servers' service. */
  readonly client: Client;
  readonly namespace: string;
  /** Selects the slices. */
  readonly labelSelector: string;
}

const RETRY_MS = 5_000;

/** Goes on until it is stopped. */
export function followMachines({ client, namespace, labelSelector }: MachinesOptions): Running {
  const { clock, log } = client.world;
  const informers = new InformerFactory(client, { transform: withoutManagedFields });
  const nodes = informers.informer('nodes', { transform: readiness });
  const slices = informers.informer('endpointslices.discovery.k8s.io', { namespace, labelSelector });
  const resource = client.resource<EndpointSlice>(resources['endpointslices.discovery.k8s.io']);
  let isBegun = false;
  let isStopped = false;
  let cancel = () => {};

  const rounds = new Rounds(async () => {
    for (const slice of withReadiness(slices.store.list(), nodes.store.list())) {
      try {
        await resource.update(slice);
        const ready = slice.endpoints!.map(({ conditions }) => conditions?.ready);
        log.info({ slice: slice.metadata.name, ready }, 'A name server is ready as its machine is');
      } catch (error) {
        // Another server was the first, perhaps: then the watch tells.
        log.debug({ slice: slice.metadata.name, error }, 'A name server’s readiness was not told');
        cancel();
        cancel = clock.after(RETRY_MS, changed, { background: true });
      }
    }
  });
  const changed = () => {
    if (isBegun && !isStopped) rounds.ask();
  };
  nodes.addHandler({
    added: changed,
    deleted: changed,
    updated: (before, after) => {
      if (isReady(before) !== isReady(after)) changed();
    },
  });
  slices.addHandler({ added: changed, updated: changed });
  informers.start();
  const begun = informers.synced().then(
    () => {
      isBegun = true;
      changed();
    },
    () => {},
  );
  const { promise: done, resolve } = Promise.withResolvers<void>();
  return {
    done,
    stop: async () => {
      isStopped = true;
      cancel();
      await informers.stop();
      await begun;
      await rounds.idle();
      cancel();
      resolve();
    },
  };
}

/**
 * The slices that should say something else of their endpoints. Where no endpoint would be ready nothing is changed: then it is not the
 * machines that are lost, but who tells of them.
 */
export function withReadiness(slices: readonly EndpointSlice[], nodes: readonly Node[]): EndpointSlice[] {
  const ready = new Set(nodes.filter(isReady).map(({ metadata }) => metadata.name!));
  const wanted = slices.map((slice) => ({
    ...slice,
    endpoints: (slice.endpoints ?? []).map((endpoint) =>
      endpoint.nodeName === undefined
        ? endpoint
        : { ...endpoint, conditions: { ...endpoint.conditions, ready: ready.has(endpoint.nodeName) } },
    ),
  }));
  if (!wanted.some(({ endpoints }) => endpoints.some(({ conditions }) => conditions?.ready))) return [];
  return wanted.filter(({ endpoints }, i) =>
    endpoints.some(({ conditions }, j) => conditions?.ready !== slices[i]!.endpoints![j]!.conditions?.ready),
  );
}

const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

/** What of a node is looked at. */
const readiness = ({ apiVersion, kind, metadata, status }: Node): Node => {
  const { name, uid, resourceVersion } = metadata;
  const conditions = (status?.conditions ?? []).filter(({ type }) => type === 'Ready');
  return { apiVersion, kind, metadata: { name, uid, resourceVersion }, status: { conditions } } as Node;
};
