/** One network of the pods of all nodes: keeps what a node has for it as the Nodes of the cluster say. */
import type { Node } from '@keelson/api/generated/types/core/v1';
import { type Client, InformerFactory, withoutManagedFields } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import { canonical, FAMILIES, type Family, familyOfRange } from '@keelson/proxy/addresses';
import { type CniSettings, cniConfiguration, removeCni, writeCni } from './cni.ts';
import type { Kernel } from './kernel.ts';
import { masquerading, removal } from './masquerade.ts';
import { type Plan, planOf } from './plan.ts';
import { removePolicies } from './policies/policies.ts';
import { routeChanges } from './routes.ts';
import type { NetworkStatus } from './status.ts';
import { syncLoop } from './sync-loop.ts';

export interface PodNetworkOptions {
  /** May list and watch nodes. */
  readonly client: Client;
  readonly nodeName: string;
  readonly kernel: Kernel;
  readonly cni: CniSettings;
  /** Before that, pods are joined to nothing. */
  readonly guarded: Promise<void>;
  readonly status: NetworkStatus;
}

/** Goes on until it is stopped, and leaves what it has made. */
export function startPodNetwork({ client, nodeName, kernel, cni, guarded, status }: PodNetworkOptions): Running {
  const { log } = client.world;
  const informers = new InformerFactory(client);
  const nodes = informers.informer('nodes', { transform: essentials });
  let applied = '';
  let isGuarded = false;

  const sync = async (isWhole: boolean) => {
    const all = nodes.store.list();
    const plan = planOf(nodeName, all);
    const joins = isGuarded && plan.ranges.length > 0;
    const text = JSON.stringify([plan, joins]);
    if (!isWhole && text === applied) return 0;
    if (plan.ranges.length === 0) log.info({ node: nodeName }, 'The node has no addresses for pods yet');
    let refused = 0;
    await applyPlan(plan, kernel, (range, error) => {
      log.error({ range, err: error.message }, 'Pods of another node are not reached');
      refused++;
    });
    status.metrics.routes.with().value = plan.routes.length;
    status.metrics.refused.with().value = refused;
    if (joins) {
      const own = all.find(({ metadata }) => metadata.name === nodeName)?.status?.addresses ?? [];
      const address = own.find(({ type }) => type === 'InternalIP')?.address;
      const mtu = address === undefined ? undefined : await kernel.mtuAt(canonical(address));
      if (await writeCni(cni, cniConfiguration(plan.ranges, cni.addressFolder, mtu)))
        log.info({ folder: cni.folder, ranges: plan.ranges }, 'Pods have addresses of these ranges');
    }
    if (text !== applied) log.info({ routes: plan.routes.length }, 'The network of pods is as the nodes say');
    applied = text;
    return text.length;
  };

  const watcher = status.watcherOf('routes');
  const { changed, start } = syncLoop(client.world, sync, 'The network of pods is not as it should be', watcher);
  guarded.then(() => {
    isGuarded = true;
    changed();
  });
  nodes.addHandler({ added: changed, updated: changed, deleted: changed });
  return start(informers);
}

/**
 * Makes routes and tables what the plan says.
 * @param refused is told of a route that the kernel does not take
 * @throws ProgramError where nothing can be done
 */
export async function applyPlan(
  plan: Plan,
  kernel: Kernel,
  refused: (range: string, error: Error) => void,
): Promise<void> {
  for (const family of familiesOf(plan)) {
    await kernel.applyTables(masquerading(family, plan));
    const wanted = plan.routes.filter((route) => route.family === family);
    const { gone, come } = routeChanges(await kernel.routes(family), wanted);
    const lines = [...gone, ...come];
    if (lines.length === 0) continue;
    await kernel.changeRoutes(family, lines).catch(async (error: Error) => {
      const there = await kernel.routes(family);
      const missing = wanted.filter(({ range, via }) => !there.some((r) => r.range === range && r.via === via));
      for (const { range } of missing) refused(range, error);
    });
  }
}

/** Takes away what was made of it. @throws ProgramError */
export async function removePodNetwork(kernel: Kernel, cni: CniSettings): Promise<void> {
  await removeCni(cni);
  await removePolicies(kernel);
  for (const family of FAMILIES) {
    const { gone } = routeChanges(await kernel.routes(family), []);
    if (gone.length > 0) await kernel.changeRoutes(family, gone);
    await kernel.applyTables(removal(family));
  }
}

/** Of machines that know one family alone, the other is left alone. */
function familiesOf({ ranges, pods }: Plan): Family[] {
  return FAMILIES.filter(
    (family) => pods[family].length > 0 || ranges.some((range) => familyOfRange(range) === family),
  );
}

/** Without what is long and not looked at. */
const essentials = (node: Node): Node => {
  const { status, ...rest } = withoutManagedFields(node);
  return { ...rest, status: { ...status, conditions: [], images: [] } };
};
