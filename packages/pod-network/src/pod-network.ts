/** One network of the pods of all nodes: keeps what a node has for it as the Nodes of the cluster say. */
import type { Node } from '@keelson/api/generated/types/core/v1';
import { type Client, InformerFactory, withoutManagedFields } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import { canonical } from '@keelson/proxy/addresses';
import { applyPlan, removePlan } from './apply.ts';
import { type CniSettings, cniConfiguration, removeCni, writeCni } from './cni.ts';
import type { Kernel } from './kernel.ts';
import { planOf } from './plan.ts';
import { removePolicies } from './policies/policies.ts';
import type { NetworkStatus } from './status.ts';
import { syncLoop } from './sync-loop.ts';
import type { TunnelSettings } from './tunnel-settings.ts';

export interface PodNetworkOptions {
  /** May list and watch nodes. */
  readonly client: Client;
  readonly nodeName: string;
  readonly kernel: Kernel;
  readonly cni: CniSettings;
  readonly tunnel: TunnelSettings;
  /** Before that, pods are joined to nothing. */
  readonly guarded: Promise<void>;
  readonly status: NetworkStatus;
}

/** Goes on until it is stopped, and leaves what it has made. */
export function startPodNetwork({
  client,
  nodeName,
  kernel,
  cni,
  tunnel,
  guarded,
  status,
}: PodNetworkOptions): Running {
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
    const { tunnelled, mtu, refused } = await applyPlan(plan, kernel, tunnel);
    for (const [what, { message }] of refused)
      log.error({ what, err: message }, 'Pods of another node are not reached');
    status.metrics.routes.with().value = plan.peers.length;
    status.metrics.tunnelled.with().value = tunnelled;
    status.metrics.refused.with().value = refused.size;
    if (joins) {
      const own = all.find(({ metadata }) => metadata.name === nodeName)?.status?.addresses ?? [];
      const address = own.find(({ type }) => type === 'InternalIP')?.address;
      const whole = address === undefined ? undefined : await kernel.mtuAt(canonical(address));
      const limits = [whole, mtu].filter((each) => each !== undefined);
      const most = limits.length > 0 ? Math.min(...limits) : undefined;
      if (await writeCni(cni, cniConfiguration(plan.ranges, cni.addressFolder, most)))
        log.info({ folder: cni.folder, ranges: plan.ranges }, 'Pods have addresses of these ranges');
    }
    if (text !== applied) log.info({ routes: plan.peers.length, tunnelled }, 'The network of pods is as the nodes say');
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

/** Takes away what was made of it. @throws ProgramError */
export async function removePodNetwork(kernel: Kernel, cni: CniSettings): Promise<void> {
  await removeCni(cni);
  await removePolicies(kernel);
  await removePlan(kernel);
}

/** Without what is long and not looked at. */
const essentials = (node: Node): Node => {
  const { status, ...rest } = withoutManagedFields(node);
  return { ...rest, status: { ...status, conditions: [], images: [] } };
};
