/** Takes and frees the cluster IPs of a Service as it is created, changed and deleted. */
import { internalError, invalid as invalidObject } from '@keelson/api/errors';
import { invalid, Path } from '@keelson/api/field';
import type { Service } from '@keelson/api/generated/types/core/v1';
import { formatIP, type IPFamily, parseIPSloppy } from '@keelson/api/ip';
import type { WriteHook } from '../../../strategy.ts';
import { NONE, needsClusterIP } from '../predicates.ts';
import type { ClusterIPAllocator } from './addresses.ts';
import { AllocationError } from './deps.ts';
import { keepsPreferDualStack } from './families.ts';

const IPS = Path.of('spec', 'clusterIPs');

export async function allocateAll(ips: ClusterIPAllocator, service: Service, dryRun: boolean): Promise<WriteHook> {
  const { spec } = service;
  if (!needsClusterIP(service) || spec.clusterIPs?.[0] === NONE) return {};
  const wanted = (spec.ipFamilies ?? []).map((family, i) => ({ family, ip: spec.clusterIPs?.[i] ?? '' }));
  const taken = await takeEach(ips, service, wanted, dryRun);
  spec.clusterIPs = taken;
  spec.clusterIP = taken[0];
  return givingBack(ips, taken, dryRun);
}

/** What an update changes: a type that needs addresses or no longer does, a second stack that comes or goes. */
export async function allocateChanges(
  ips: ClusterIPAllocator,
  service: Service,
  old: Service,
  dryRun: boolean,
): Promise<WriteHook> {
  if (keepsPreferDualStack(service, old)) return {};
  if (!needsClusterIP(old)) return allocateAll(ips, service, dryRun);
  const { clusterIPs: oldIPs = [], ipFamilies: oldFamilies = [] } = old.spec;
  if (oldIPs[0] === NONE) return {};
  const freeing = (freed: readonly string[]): WriteHook => (dryRun ? {} : { commit: () => release(ips, freed) });
  if (!needsClusterIP(service)) return freeing(oldIPs);
  const { spec } = service;
  const families = spec.ipFamilies ?? [];
  if (oldFamilies.length === 1 && families.length === 2) {
    const wanted = [{ family: families[1]!, ip: spec.clusterIPs?.[1] ?? '' }];
    const taken = await takeEach(ips, service, wanted, dryRun);
    spec.clusterIPs = [...(spec.clusterIPs ?? []).slice(0, 1), ...taken];
    return givingBack(ips, taken, dryRun);
  }
  return oldFamilies.length === 2 && families.length === 1 ? freeing(oldIPs.slice(1)) : {};
}

export async function releaseAll(ips: ClusterIPAllocator, service: Service): Promise<void> {
  const { clusterIPs = [] } = service.spec;
  if (needsClusterIP(service) && clusterIPs[0] !== NONE) await release(ips, clusterIPs);
}

function givingBack(ips: ClusterIPAllocator, taken: readonly string[], dryRun: boolean): WriteHook {
  return dryRun ? {} : { revert: () => release(ips, taken) };
}

/** All or none. @throws StatusError 422 */
async function takeEach(
  ips: ClusterIPAllocator,
  service: Service,
  wanted: readonly { family: string; ip: string }[],
  dryRun: boolean,
): Promise<string[]> {
  const taken: string[] = [];
  try {
    for (const { family, ip } of wanted)
      taken.push(
        ip === '' ? await takeAny(ips, service, family as IPFamily, dryRun) : await take(ips, service, ip, dryRun),
      );
    return taken;
  } catch (error) {
    if (!dryRun) await release(ips, taken);
    throw error;
  }
}

async function take(ips: ClusterIPAllocator, service: Service, text: string, dryRun: boolean): Promise<string> {
  const ip = parseIPSloppy(text);
  if (!ip) throw internalError(`failed to parse service IP ${JSON.stringify(text)}`);
  try {
    await ips.allocate(service, ip, dryRun);
    return text;
  } catch (error) {
    throw refused(service, `failed to allocate IP ${text}: ${(error as Error).message}`);
  }
}

async function takeAny(ips: ClusterIPAllocator, service: Service, family: IPFamily, dryRun: boolean): Promise<string> {
  try {
    return formatIP(await ips.allocateNext(service, family, dryRun));
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof AllocationError && error.full)
      throw internalError(
        `failed to allocate a serviceIP for Service ${JSON.stringify(service.metadata.name)}: ${message}`,
      );
    throw refused(service, `failed to allocate IP: ${message}`);
  }
}

function refused({ metadata, spec }: Service, message: string): Error {
  const { clusterIPs = [], ipFamilies = [] } = spec;
  // Each address that has yet to be found is shown as an empty one.
  const shown = [...clusterIPs, ...ipFamilies.slice(clusterIPs.length).map(() => '')];
  return invalidObject('', 'Service', metadata.name ?? '', [invalid(IPS, shown, message)]);
}

async function release(ips: ClusterIPAllocator, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const ip = parseIPSloppy(address);
    if (ip) await ips.release(ip);
  }
}
