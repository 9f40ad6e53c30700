/** Cluster IPs with their families and policy (pkg/apis/core/validation: ValidateServiceClusterIPsRelatedFields). */
import { duplicate, type ErrorList, internal, invalid, notSupported, Path, required } from '@keelson/api/field';
import type { Service } from '@keelson/api/generated/types/core/v1';
import { parseIPSloppy } from '@keelson/api/ip';
import type { IsEnabled } from '../../../gates.ts';
import { validateLegacyIP } from '../../validation/ip.ts';
import { isHeadless, NONE, needsClusterIP } from './predicates.ts';

const SPEC = Path.of('spec');
const IPS = SPEC.child('clusterIPs');
const FAMILIES = SPEC.child('ipFamilies');
const POLICY = SPEC.child('ipFamilyPolicy');
const KNOWN_FAMILIES = ['IPv4', 'IPv6'];
const KNOWN_POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];

/** Checked before addresses are allocated and again with the rest of the service. */
export function validateClusterIPs(service: Service, isEnabled: IsEnabled, old?: Service): ErrorList {
  if (!needsClusterIP(service)) return [];
  const errors = [...validatePrimary(service), ...validateFamilies(service)];
  const addresses = validateAddresses(service, isEnabled, old?.spec.clusterIPs);
  errors.push(...addresses);
  const ips = service.spec.clusterIPs ?? [];
  if (ips.length > 2) errors.push(invalid(IPS, ips, 'may only hold up to 2 values'));
  return addresses.length > 0 ? errors : [...errors, ...validateStacks(service)];
}

function validatePrimary({ spec }: Service): ErrorList {
  const ips = spec.clusterIPs ?? [];
  if (!spec.clusterIP)
    return ips.length === 0 ? [] : [invalid(IPS, ips, 'must be empty when `clusterIP` is not specified')];
  if (ips.length === 0) return [required(IPS)];
  return ips[0] === spec.clusterIP ? [] : [invalid(IPS, ips, 'first value must match `clusterIP`')];
}

function validateFamilies({ spec }: Service): ErrorList {
  const errors: ErrorList = [];
  const seen = new Set<string>();
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    if (!KNOWN_FAMILIES.includes(family)) errors.push(notSupported(FAMILIES.index(i), family, KNOWN_FAMILIES));
    if (seen.has(family)) errors.push(duplicate(FAMILIES.index(i), family));
    seen.add(family);
  }
  if (spec.ipFamilyPolicy !== undefined && !KNOWN_POLICIES.includes(spec.ipFamilyPolicy))
    errors.push(notSupported(POLICY, spec.ipFamilyPolicy, KNOWN_POLICIES));
  return errors;
}

function validateAddresses({ spec }: Service, isEnabled: IsEnabled, old: readonly string[] | undefined): ErrorList {
  const ips = spec.clusterIPs ?? [];
  return ips.flatMap((ip, i) => {
    if (i > 0 || ip !== NONE) return validateLegacyIP(IPS.index(i), ip, isEnabled, old);
    return ips.length > 1 ? [invalid(IPS, ips, "'None' must be the first and only value")] : [];
  });
}

/** One address for each family, in the families' order. */
function validateStacks(service: Service): ErrorList {
  const { clusterIPs: ips = [], ipFamilies: families = [] } = service.spec;
  const errors: ErrorList = [];
  const actual = ips.map((ip) => parseIPSloppy(ip)?.family);
  const unknown = actual.indexOf(undefined);
  if (ips.length > 1 && unknown >= 0)
    errors.push(internal(IPS, `failed to check for dual stack with error:invalid IP[${unknown}]: ${ips[unknown]}`));
  if (ips.length > 1 && (unknown >= 0 || new Set(actual).size < 2))
    errors.push(invalid(IPS, ips, 'may specify no more than one IP for each IP family'));
  if (isHeadless(service)) return errors;
  for (const [i, ip] of ips.entries()) {
    const family = families[i];
    // What is no address, and may be there since before that mattered, is not of IPv6.
    if (family !== undefined && KNOWN_FAMILIES.includes(family) && (actual[i] ?? 'IPv4') !== family)
      errors.push(invalid(IPS.index(i), ip, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``));
  }
  return errors;
}

/** Addresses stay; only a second one may come, or go with the policy SingleStack. */
export function validateClusterIPsUpdate(service: Service, old: Service): ErrorList {
  if (!needsClusterIP(service) || !needsClusterIP(old)) return [];
  if (isHeadless(service) && isHeadless(old)) return [];
  const ips = service.spec.clusterIPs ?? [];
  const before = old.spec.clusterIPs ?? [];
  const changed = (i: number) => invalid(IPS.index(i), service.spec.clusterIPs, 'may not change once set');
  if (before.length === ips.length) return before.flatMap((ip, i) => (ip === ips[i] ? [] : [changed(i)]));
  const errors: ErrorList = [];
  if (ips.length === 0)
    errors.push(invalid(IPS.index(0), service.spec.clusterIPs, 'primary clusterIP can not be unset'));
  if (before.length > 0 && ips.length > 0 && ips[0] !== before[0]) errors.push(changed(0));
  if (before.length > ips.length && ips.length === 1 && service.spec.ipFamilyPolicy !== 'SingleStack')
    errors.push(
      invalid(
        POLICY,
        service.spec.ipFamilyPolicy,
        "must be set to 'SingleStack' when releasing the secondary clusterIP",
      ),
    );
  return errors;
}

/** The same for families. */
export function validateFamiliesUpdate(service: Service, old: Service): ErrorList {
  if (!needsClusterIP(service) || !needsClusterIP(old)) return [];
  if (isHeadless(service) || isHeadless(old)) return [];
  const { ipFamilies: families = [], clusterIPs, ipFamilyPolicy } = service.spec;
  const before = old.spec.ipFamilies ?? [];
  const path = FAMILIES.index(0);
  if (before.length === families.length)
    return before.flatMap((f, i) => (f === families[i] ? [] : [invalid(path, families, 'may not change once set')]));
  const errors: ErrorList = [];
  if (before.length > families.length && !clusterIPs?.length)
    errors.push(invalid(path, service.spec.ipFamilies, 'primary ipFamily can not be unset'));
  // Upstream shows the addresses here.
  if (before.length > 0 && families.length > 0 && families[0] !== before[0])
    errors.push(invalid(path, clusterIPs, 'may not change once set'));
  if (before.length > families.length && families.length === 1 && ipFamilyPolicy !== 'SingleStack')
    errors.push(invalid(POLICY, ipFamilyPolicy, "must be set to 'SingleStack' when releasing the secondary ipFamily"));
  return errors;
}
