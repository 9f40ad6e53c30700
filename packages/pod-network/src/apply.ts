/** Has the kernel be as a plan says: ways to the other nodes, through the tunnel where it takes that, and tables. */
import { FAMILIES, type Family, familyOfRange } from '@keelson/proxy/addresses';
import type { Kernel } from './kernel.ts';
import { masquerading, removal } from './masquerade.ts';
import type { Peer, Plan } from './plan.ts';
import { type Route, routeChanges } from './routes.ts';
import { DEVICES, type Device, endOf, macOf, OVERHEAD, shapeTunnel } from './tunnel.ts';
import type { TunnelSettings } from './tunnel-settings.ts';

export interface Applied {
  /** Ranges that are reached through the tunnel. */
  readonly tunnelled: number;
  /** The most that the tunnel takes; undefined: nothing goes through it. */
  readonly mtu: number | undefined;
  /** What the kernel does not take: a range, or the tunnel's device. */
  readonly refused: ReadonlyMap<string, Error>;
}

/** @throws ProgramError where nothing can be done */
export async function applyPlan(plan: Plan, kernel: Kernel, settings: TunnelSettings): Promise<Applied> {
  const refused = new Map<string, Error>();
  const mtus: number[] = [];
  let tunnelled = 0;
  for (const family of familiesOf(plan)) {
    const peers = plan.peers.filter((peer) => peer.family === family);
    const behind = await behindRouter(family, peers, kernel, settings);
    const device = await deviceFor(family, plan, peers, kernel, settings);
    await kernel.applyTables(masquerading(family, plan, device));
    await shapeTunnel(kernel, family, device, [...behind]).catch((error: Error) => refused.set(DEVICES[family], error));
    const routes = peers.map((peer) => routeTo(peer, behind.has(peer)));
    for (const [range, error] of await applyRoutes(family, routes, kernel)) refused.set(range, error);
    tunnelled += behind.size;
    if (behind.size > 0 && device) mtus.push(device.mtu);
  }
  return { tunnelled, mtu: mtus.length > 0 ? Math.min(...mtus) : undefined, refused };
}

/** Those that are reached through the tunnel. */
async function behindRouter(
  family: Family,
  peers: readonly Peer[],
  kernel: Kernel,
  { mode }: TunnelSettings,
): Promise<ReadonlySet<Peer>> {
  if (mode === 'Always') return new Set(peers);
  if (mode === 'Never') return new Set();
  const beside = await kernel.onLink(family, [...new Set(peers.map(({ address }) => address))]);
  return new Set(peers.filter(({ address }) => !beside.has(address)));
}

/**
 * The device is there as soon as there are other nodes: one of which this node thinks that it is on its segment may think otherwise.
 * Undefined, too, where the node has no address of the family.
 */
async function deviceFor(
  family: Family,
  { nodeName, ranges, addresses }: Plan,
  peers: readonly Peer[],
  kernel: Kernel,
  { mode, id, port }: TunnelSettings,
): Promise<Device | undefined> {
  const here = ranges.filter((range) => familyOfRange(range) === family);
  const local = addresses[family];
  const isAlone = peers.every(({ address }) => address === local);
  if (mode === 'Never' || isAlone || here.length === 0 || local === undefined) return undefined;
  const mtu = await kernel.mtuAt(local);
  if (mtu === undefined) return undefined;
  return {
    id,
    port,
    local,
    mac: macOf(nodeName),
    mtu: mtu - OVERHEAD[family],
    addresses: here.map(endOf),
    isUp: true,
    learns: false,
  };
}

const routeTo = ({ family, range, address }: Peer, isBehind: boolean): Route =>
  isBehind ? { family, range, via: endOf(range), device: DEVICES[family] } : { family, range, via: address };

/** @returns those that the kernel does not take */
async function applyRoutes(family: Family, wanted: readonly Route[], kernel: Kernel): Promise<Map<string, Error>> {
  const { gone, come } = routeChanges(await kernel.routes(family), wanted);
  const lines = [...gone, ...come];
  if (lines.length === 0) return new Map();
  try {
    await kernel.change(family, lines);
    return new Map();
  } catch (error) {
    const there = await kernel.routes(family);
    const missing = wanted.filter(({ range, via }) => !there.some((r) => r.range === range && r.via === via));
    return new Map(missing.map(({ range }) => [range, error as Error]));
  }
}

/** Takes away what was made. @throws ProgramError */
export async function removePlan(kernel: Kernel): Promise<void> {
  for (const family of FAMILIES) {
    const { gone } = routeChanges(await kernel.routes(family), []);
    if (gone.length > 0) await kernel.change(family, gone);
    await shapeTunnel(kernel, family, undefined, []);
    await kernel.applyTables(removal(family));
  }
}

/** Of machines that know one family alone, the other is left alone. */
function familiesOf({ ranges, pods }: Plan): Family[] {
  return FAMILIES.filter(
    (family) => pods[family].length > 0 || ranges.some((range) => familyOfRange(range) === family),
  );
}
