/** Fills in a Service's IP family policy and families (pkg/registry/core/service/storage/alloc.go initIPFamilyFields). */
import { semanticEqual } from '@keelson/api/codec/equality';
import { invalid as invalidObject } from '@keelson/api/errors';
import { type ErrorList, invalid, Path } from '@keelson/api/field';
import type { Service } from '@keelson/api/generated/types/core/v1';
import { type IPFamily, parseIPSloppy } from '@keelson/api/ip';
import type { IsEnabled } from '../../../../gates.ts';
import { validateClusterIPs } from '../clusterips.ts';
import { NONE, needsClusterIP } from '../predicates.ts';
import type { Families } from './deps.ts';

const SPEC = Path.of('spec');
const POLICY = SPEC.child('ipFamilyPolicy');

/** @throws StatusError 422 when addresses, families, policy and cluster do not fit together */
export function initFamilies(
  service: Service,
  old: Service | undefined,
  cluster: Families,
  isEnabled: IsEnabled,
): void {
  if (!needsClusterIP(service) || (old && keepsPreferDualStack(service, old))) return;
  const { spec } = service;
  const selectorless = isSelectorless(service);
  spec.ipFamilyPolicy ??= old?.spec.ipFamilyPolicy ?? (selectorless ? 'RequireDualStack' : 'SingleStack');
  refuse(service, validateClusterIPs(service, isEnabled, old));
  const errors = [...(old ? shrink(service, old) : []), ...validateSingleStack(service)];
  errors.push(...addFamiliesOfAddresses(service, cluster));
  refuse(service, errors);
  // Endpoints without a selector can be of any family, whatever the cluster has.
  if (!selectorless) refuse(service, validateAgainstCluster(service, cluster));
  const families = spec.ipFamilies?.length ? spec.ipFamilies : [cluster[0]];
  const second = spec.ipFamilyPolicy !== 'SingleStack' && families.length === 1;
  spec.ipFamilies = second && (selectorless || cluster.length === 2) ? [families[0]!, other(families[0]!)] : families;
}

/** Those of its addresses; of a headless service that of the cluster, both where nothing is selected. */
export function completeFamilies(service: Service, [primary]: Families): void {
  const { spec } = service;
  if (!needsClusterIP(service) || spec.ipFamilies?.length || !spec.clusterIPs?.length) return;
  if (spec.clusterIP === NONE) spec.ipFamilies = isSelectorless(service) ? [primary, other(primary)] : [primary];
  else spec.ipFamilies = spec.clusterIPs.map((ip) => parseIPSloppy(ip)?.family ?? 'IPv4');
  spec.ipFamilyPolicy = spec.ipFamilies.length === 1 ? 'SingleStack' : 'RequireDualStack';
}

function isSelectorless({ spec }: Service): boolean {
  return spec.clusterIP === NONE && Object.keys(spec.selector ?? {}).length === 0;
}

function refuse({ metadata }: Service, errors: ErrorList): void {
  if (errors.length > 0) throw invalidObject('', 'Service', metadata.name ?? '', errors);
}

function other(family: string): IPFamily {
  return family === 'IPv4' ? 'IPv6' : 'IPv4';
}

/** Such a service stays as it is when the cluster becomes dual-stack or stops being it. */
export function keepsPreferDualStack({ spec }: Service, old: Service): boolean {
  const prefers = (policy: string | undefined) => policy === undefined || policy === 'PreferDualStack';
  return (
    spec.ipFamilyPolicy === 'PreferDualStack' &&
    prefers(old.spec.ipFamilyPolicy) &&
    old.spec.type === spec.type &&
    ['ClusterIP', 'NodePort', 'LoadBalancer'].includes(spec.type ?? '') &&
    semanticEqual(spec.clusterIPs, old.spec.clusterIPs) &&
    semanticEqual(spec.ipFamilies, old.spec.ipFamilies)
  );
}

/** A change to SingleStack drops the second address and family; without it they may not be dropped. */
function shrink({ spec }: Service, old: Service): ErrorList {
  const { clusterIPs = [], ipFamilies = [], ipFamilyPolicy } = spec;
  const { clusterIPs: oldIPs = [], ipFamilies: oldFamilies = [] } = old.spec;
  if (ipFamilyPolicy === 'SingleStack') {
    if (clusterIPs.length > 1 && semanticEqual(clusterIPs, oldIPs)) spec.clusterIPs = clusterIPs.slice(0, 1);
    if (ipFamilies.length > 1 && semanticEqual(ipFamilies, oldFamilies)) spec.ipFamilies = ipFamilies.slice(0, 1);
    return [];
  }
  const reduced = (now: number, before: number, what: string) =>
    now > 0 && now < before
      ? [invalid(POLICY, ipFamilyPolicy, `must be 'SingleStack' to release the secondary ${what}`)]
      : [];
  return [
    ...reduced(clusterIPs.length, oldIPs.length, 'cluster IP'),
    ...reduced(ipFamilies.length, oldFamilies.length, 'IP family'),
  ];
}

function validateSingleStack({ spec }: Service): ErrorList {
  if (spec.ipFamilyPolicy !== 'SingleStack') return [];
  const two = (list: readonly string[] | undefined, what: string) =>
    list?.length === 2
      ? [
          invalid(
            POLICY,
            spec.ipFamilyPolicy,
            `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
          ),
        ]
      : [];
  return [...two(spec.clusterIPs, 'cluster IPs'), ...two(spec.ipFamilies, 'IP families')];
}

/** Addresses that the client asks for tell their families. */
function addFamiliesOfAddresses({ spec }: Service, cluster: Families): ErrorList {
  const errors: ErrorList = [];
  for (const [i, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === NONE) break;
    if (i < (spec.ipFamilies?.length ?? 0)) continue;
    const family = parseIPSloppy(ip)?.family;
    if (family && cluster.includes(family)) spec.ipFamilies = [...(spec.ipFamilies ?? []), family];
    else
      errors.push(
        invalid(
          SPEC.child('clusterIPs').index(i),
          spec.clusterIPs,
          `${family ?? 'unknown'} is not configured on this cluster`,
        ),
      );
  }
  return errors;
}

function validateAgainstCluster({ spec }: Service, cluster: Families): ErrorList {
  const errors: ErrorList = [];
  if (spec.ipFamilyPolicy === 'RequireDualStack' && cluster.length < 2)
    errors.push(invalid(POLICY, spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  for (const [i, family] of (spec.ipFamilies ?? []).entries())
    if (!cluster.includes(family as IPFamily))
      errors.push(invalid(SPEC.child('ipFamilies').index(i), family, 'not configured on this cluster'));
  return errors;
}
