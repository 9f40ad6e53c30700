/** Says that ranges of service addresses are ready, and keeps those that addresses need (pkg/controller/servicecidrs). */
import type { Condition } from '@keelson/api/generated/types/meta/v1';
import type { IPAddress, ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import { type CIDR, cidrContains, parseCIDRSloppy, parseIPSloppy } from '@keelson/api/ip';
import { formatTime, millisOf } from '@keelson/api/time';
import { type Again, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { setFinalizer } from '../finalizers.ts';
import { runQueue } from '../work.ts';

const FINALIZER = 'networking.k8s.io/service-cidr-finalizer';
/** Until all who allocate have heard that a range is going. */
const GRACE_MS = 10_000;

const rangesOf = ({ spec }: ServiceCIDR): CIDR[] => (spec?.cidrs ?? []).flatMap((text) => parseCIDRSloppy(text) ?? []);

/** Whether an address lies in the range and in no other that stays. */
export function isNeeded(cidr: ServiceCIDR, all: readonly ServiceCIDR[], addresses: readonly IPAddress[]): boolean {
  const others = all.filter(({ metadata }) => metadata.name !== cidr.metadata.name && !metadata.deletionTimestamp);
  const [own, elsewhere] = [rangesOf(cidr), others.flatMap(rangesOf)];
  return addresses.some(({ metadata }) => {
    const ip = parseIPSloppy(metadata.name ?? '');
    if (!ip || !own.some((range) => cidrContains(range, ip))) return false;
    return !elsewhere.some((range) => cidrContains(range, ip));
  });
}

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<string>(world, 'ipaddresses');
  const cidrs = informers.informer('servicecidrs.networking.k8s.io');
  const addresses = informers.informer('ipaddresses.networking.k8s.io');
  const all = () => {
    for (const { metadata } of cidrs.store.values()) queue.add(metadata.name!);
  };
  cidrs.addHandler({ added: all, updated: all, deleted: all });
  const leaving = () => {
    for (const { metadata } of cidrs.store.values()) if (metadata.deletionTimestamp) queue.add(metadata.name!);
  };
  addresses.addHandler({ deleted: leaving });
  const resource = client.resource('servicecidrs.networking.k8s.io');

  const tell = async (cidr: ServiceCIDR, ready: Pick<Condition, 'status' | 'reason' | 'message'>) => {
    const before = cidr.status?.conditions ?? [];
    const old = before.find(({ type }) => type === 'Ready');
    if (old?.status === ready.status && old.reason === ready.reason && old.message === ready.message) return;
    const lastTransitionTime = formatTime(new Date(world.clock.now()));
    const conditions = [
      ...before.filter(({ type }) => type !== 'Ready'),
      { type: 'Ready', lastTransitionTime, ...ready },
    ];
    await resource.updateStatus({ ...cidr, status: { ...cidr.status, conditions } });
  };

  const reconcile = async (name: string): Promise<Again | undefined> => {
    const cidr = cidrs.store.get(name);
    if (!cidr) return undefined;
    const { deletionTimestamp, finalizers = [] } = cidr.metadata;
    if (!deletionTimestamp) {
      if (!finalizers.includes(FINALIZER)) await setFinalizer(resource, cidr, FINALIZER, true);
      else await tell(cidr, { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' });
      return undefined;
    }
    if (!finalizers.includes(FINALIZER)) return undefined;
    if (isNeeded(cidr, cidrs.store.list(), addresses.store.list())) {
      const message =
        'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR';
      await tell(cidr, { status: 'False', reason: 'Terminating', message });
      return undefined;
    }
    const left = millisOf(deletionTimestamp) + GRACE_MS - world.clock.now();
    if (left > 0) return { afterMs: left };
    await setFinalizer(resource, cidr, FINALIZER, false);
    return undefined;
  };
  return runQueue(context, { queue, informers: [cidrs, addresses], workers: 5, reconcile });
}
