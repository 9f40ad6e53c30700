/**
 * Cluster IPs. The ready ServiceCIDRs are the ranges; an address is taken by whoever creates the IPAddress object of its
 * name, so that no two servers can give it away (pkg/registry/core/service/ipallocator).
 */
import { hasReason, StatusError } from '@keelson/api/errors';
import type { Service } from '@keelson/api/generated/types/core/v1';
import type { ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import {
  type CIDR,
  cidrContains,
  formatCIDR,
  formatIP,
  type IP,
  type IPFamily,
  lastOf,
  networkOf,
  parseCIDRSloppy,
  parseIPSloppy,
  widthOf,
} from '@keelson/api/ip';
import type { KubeObject } from '@keelson/api/object';
import { isPieceOver, type Pieces } from '@keelson/api/pieces';
import { NONE, needsClusterIP } from '../predicates.ts';
import { type AllocationClient, type AllocationDeps, AllocationError } from './deps.ts';
import type { RangeLevel } from './metrics.ts';

export const NETWORKING = 'networking.k8s.io/v1';
const FAMILY_LABEL = 'ipaddress.kubernetes.io/ip-family';
export const MANAGED_BY_LABEL = 'ipaddress.kubernetes.io/managed-by';
export const CONTROLLER = 'ipallocator.k8s.io';

/** The part of the range that dynamic allocation leaves alone as long as it can. */
const STATIC_MIN = 16n;
const STATIC_MAX = 256n;

/** The addresses of a CIDR that services may have: first and last inclusive. */
interface Range {
  readonly cidr: CIDR;
  readonly first: bigint;
  readonly last: bigint;
  /** Where the part for dynamic allocation begins. */
  readonly dynamic: bigint;
}

export class ClusterIPAllocator {
  readonly #deps: Pick<AllocationDeps, 'client' | 'random' | 'metrics'>;

  constructor(deps: Pick<AllocationDeps, 'client' | 'random' | 'metrics'>) {
    this.#deps = deps;
  }

  /** Takes this address for the service. @throws AllocationError */
  async allocate(service: Service, ip: IP, dryRun: boolean): Promise<void> {
    const ranges = await this.#ranges(ip.family);
    if (dryRun) {
      const [range] = ranges;
      if (!range) throw new AllocationError('allocator not ready');
      if (ip.value < range.first || ip.value > range.last) throw new AllocationError(notInRange(ip, range));
      return;
    }
    const holder = ranges.find((range) => mayHold(range, ip));
    if (!holder) throw new AllocationError('the provided network does not match the current range');
    const tell = this.#deps.metrics?.address(formatCIDR(holder.cidr), 'static');
    const isTaken = await this.#take(service, ip);
    tell?.(isTaken);
    if (!isTaken) throw new AllocationError('provided IP is already allocated');
  }

  /** Takes any free address. In a dry run it is the network's own, as upstream has it. @throws AllocationError */
  async allocateNext(service: Service, family: IPFamily, dryRun: boolean): Promise<IP> {
    const ranges = await this.#ranges(family);
    if (dryRun) {
      if (!ranges[0]) throw new AllocationError('allocator not ready');
      return networkOf(ranges[0].cidr);
    }
    for (const range of ranges) {
      const tell = this.#deps.metrics?.address(formatCIDR(range.cidr), 'dynamic');
      const ip =
        (await this.#search(service, family, range.dynamic, range.last)) ??
        (await this.#search(service, family, range.first, range.dynamic - 1n));
      tell?.(ip !== undefined);
      if (ip) return ip;
    }
    throw new AllocationError('range is full', true);
  }

  /** Gives an address back; it is no error when nobody has it. */
  async release(ip: IP): Promise<void> {
    try {
      await this.#deps.client().delete(ipAddress(ip));
    } catch (error) {
      if (!(error instanceof StatusError && error.code === 404)) throw error;
    }
  }

  /** Goes once around, from anywhere. Which addresses are taken is only asked after a first miss. */
  async #search(service: Service, family: IPFamily, first: bigint, last: bigint): Promise<IP | undefined> {
    const size = last - first + 1n;
    if (size <= 0n) return undefined;
    const start = randomBelow(size, this.#deps.random);
    let taken: ReadonlySet<string> | undefined;
    for (let i = 0n; i < size; i++) {
      const ip: IP = { family, value: first + ((start + i) % size) };
      if (taken?.has(formatIP(ip))) continue;
      if (await this.#take(service, ip)) return ip;
      taken ??= await takenNames(this.#deps.client());
    }
    return undefined;
  }

  async #take(service: Service, ip: IP): Promise<boolean> {
    try {
      await this.#deps.client().create(ipAddress(ip, service));
      return true;
    } catch (error) {
      if (hasReason(error, 'AlreadyExists')) return false;
      throw error;
    }
  }

  async #ranges(family: IPFamily): Promise<Range[]> {
    const objects = (await this.#deps.client().list(NETWORKING, 'ServiceCIDR')) as unknown as ServiceCIDR[];
    return readyRanges(objects).filter(({ cidr }) => cidr.ip.family === family);
  }
}

/** Those that a service has, for itself; what is no address is left out. */
export function addressesOf(service: Service): IP[] {
  const addresses = needsClusterIP(service) ? (service.spec.clusterIPs ?? []) : [];
  return addresses
    .filter((address) => address !== NONE)
    .map(parseIPSloppy)
    .filter((ip) => ip !== undefined);
}

/** How full each range is. @param taken all addresses that services have */
export function* rangeLevels(objects: readonly ServiceCIDR[], taken: Iterable<string>): Pieces<readonly RangeLevel[]> {
  const ranges = readyRanges(objects);
  const counts = ranges.map(() => 0);
  for (const text of taken) {
    if (isPieceOver()) yield;
    const ip = parseIPSloppy(text);
    const i = ip ? ranges.findIndex((range) => mayHold(range, ip)) : -1;
    if (i >= 0) counts[i]!++;
  }
  return ranges.map(({ cidr, first, last }, i) => ({
    cidr: formatCIDR(cidr),
    size: Number(last - first + 1n),
    taken: counts[i]!,
  }));
}

function readyRanges(objects: readonly ServiceCIDR[]): Range[] {
  const cidrs = objects.filter(isReady).flatMap((object) => object.spec?.cidrs ?? []);
  return [...new Set(cidrs)]
    .map(parseCIDRSloppy)
    .filter((cidr) => cidr !== undefined)
    .map(rangeOf);
}

async function takenNames(client: AllocationClient): Promise<ReadonlySet<string>> {
  return new Set((await client.list(NETWORKING, 'IPAddress')).map((object) => object.metadata.name ?? ''));
}

/** Ready, or nobody has said otherwise; and not about to go. */
function isReady({ metadata, status }: ServiceCIDR): boolean {
  const ready = status?.conditions?.find((c) => c.type === 'Ready');
  return metadata.deletionTimestamp == null && (ready === undefined || ready.status === 'True');
}

function rangeOf(cidr: CIDR): Range {
  const v4 = cidr.ip.family === 'IPv4';
  const size = 1n << BigInt(widthOf(cidr.ip.family) - cidr.bits);
  const first = networkOf(cidr).value + 1n;
  const last = lastOf(cidr).value - (v4 ? 1n : 0n);
  const part = size / 16n;
  const kept = part < STATIC_MIN ? STATIC_MIN : part > STATIC_MAX ? STATIC_MAX : part;
  return { cidr, first, last, dynamic: size <= STATIC_MIN ? first : first + kept };
}

function mayHold(range: Range, ip: IP): boolean {
  return cidrContains(range.cidr, ip) && ip.value >= range.first && ip.value <= range.last;
}

function notInRange(ip: IP, range: Range): string {
  return `the provided IP (${formatIP(ip)}) is not in the valid range. The range of valid IPs is ${formatCIDR(range.cidr)}`;
}

/** The record of an address; without a service it serves to name what is to be deleted. */
export function ipAddress(ip: IP, service?: Service): KubeObject {
  const object: KubeObject = { apiVersion: NETWORKING, kind: 'IPAddress', metadata: { name: formatIP(ip) } };
  if (!service) return object;
  const { namespace = '', name = '' } = service.metadata;
  object.metadata.labels = { [FAMILY_LABEL]: ip.family, [MANAGED_BY_LABEL]: CONTROLLER };
  object.spec = { parentRef: { resource: 'services', namespace, name } };
  return object;
}

function randomBelow(size: bigint, random: () => number): bigint {
  const bounded = size > 1n << 48n ? 1n << 48n : size;
  return BigInt(Math.floor(random() * Number(bounded)));
}
