/** Addresses and CIDRs in objects (k8s.io/apimachinery/pkg/util/validation/ip.go). */
import { type ErrorList, invalid, type Path, quote } from '@keelson/api/field';
import {
  formatAsWritten,
  formatCIDR,
  formatIP,
  hasLeadingZeros,
  isIPv4Mapped,
  networkOf,
  parseCIDRSloppy,
  parseIPSloppy,
  widthOf,
} from '@keelson/api/ip';
import type { IsEnabled } from '../../gates.ts';

const STRICT = 'StrictIPCIDRValidation';

/**
 * For fields older than strict validation: any spelling goes but, where validation is strict, those that software reads in
 * two ways.
 * @param old values of the old object, which stay acceptable
 */
export function validateLegacyIP(
  path: Path,
  value: string,
  isEnabled: IsEnabled,
  old: readonly string[] = [],
): ErrorList {
  return old.includes(value) ? [] : validateSpelledIP(path, value, isEnabled(STRICT));
}

function validateSpelledIP(path: Path, value: string, strict: boolean): ErrorList {
  if (!parseIPSloppy(value))
    return [invalid(path, value, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
  if (!strict) return [];
  if (hasLeadingZeros(value)) return [invalid(path, value, 'must not have leading 0s')];
  if (isIPv4Mapped(value)) return [invalid(path, value, 'must not be an IPv4-mapped IPv6 address')];
  return [];
}

/** For newer fields: the canonical spelling alone. */
export function validateIP(path: Path, value: string): ErrorList {
  const errors = validateSpelledIP(path, value, true);
  if (errors.length > 0) return errors;
  const canonical = formatIP(parseIPSloppy(value)!);
  return value === canonical ? [] : [invalid(path, value, `must be in canonical form (${quote(canonical)})`)];
}

/** @see validateLegacyIP */
export function validateLegacyCIDR(
  path: Path,
  value: string,
  isEnabled: IsEnabled,
  old: readonly string[] = [],
): ErrorList {
  return old.includes(value) ? [] : validateSpelledCIDR(path, value, isEnabled(STRICT));
}

function validateSpelledCIDR(path: Path, value: string, strict: boolean): ErrorList {
  const cidr = parseCIDRSloppy(value);
  if (!cidr) return [invalid(path, value, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')];
  if (!strict) return [];
  const [address, bits] = value.split('/') as [string, string];
  if (hasLeadingZeros(address) || /^0\d/.test(bits))
    return [invalid(path, value, 'must not have leading 0s in IP or prefix length')];
  if (isIPv4Mapped(address)) return [invalid(path, value, 'must not have an IPv4-mapped IPv6 address')];
  if (networkOf(cidr).value !== cidr.ip.value)
    return [invalid(path, value, 'must not have bits set beyond the prefix length')];
  return [];
}

/** @see validateIP */
export function validateCIDR(path: Path, value: string): ErrorList {
  const errors = validateSpelledCIDR(path, value, true);
  if (errors.length > 0) return errors;
  const canonical = formatCIDR(parseCIDRSloppy(value)!);
  return value === canonical ? [] : [invalid(path, value, `must be in canonical form (${quote(canonical)})`)];
}

/** The address of an interface with the size of its network, in the canonical spelling. */
export function validateInterfaceAddress(path: Path, value: string): ErrorList {
  const cidr = parseCIDRSloppy(value);
  if (!cidr)
    return [invalid(path, value, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)')];
  const canonical = `${formatIP(cidr.ip)}/${cidr.bits}`;
  return value === canonical ? [] : [invalid(path, value, `must be in canonical form (${quote(canonical)})`)];
}

/** For values that validateLegacyIP has accepted, now or formerly. */
export function warningsForIP(path: Path, value: string): string[] {
  const ip = parseIPSloppy(value);
  if (!ip) return [];
  if (hasLeadingZeros(value) || isIPv4Mapped(value))
    return [`${path}: non-standard IP address ${quote(value)} is invalid: use ${quote(formatIP(ip))}`];
  const canonical = formatIP(ip);
  if (ip.family === 'IPv6' && canonical !== value)
    return [`${path}: IPv6 address ${quote(value)} should be in RFC 5952 canonical format (${quote(canonical)})`];
  return [];
}

/** For values that validateLegacyCIDR has accepted, now or formerly. */
export function warningsForCIDR(path: Path, value: string): string[] {
  const cidr = parseCIDRSloppy(value);
  if (!cidr) return [];
  const canonical = formatCIDR(cidr);
  const [address, bits] = value.split('/') as [string, string];
  const warnings: string[] = [];
  if (networkOf(cidr).value !== cidr.ip.value) {
    const single = `${formatIP(cidr.ip)}/${widthOf(cidr.ip.family)}`;
    warnings.push(
      `${path}: CIDR value ${quote(value)} is ambiguous in this context (should be ${quote(canonical)} or ${quote(single)}?)`,
    );
  }
  if (hasLeadingZeros(address) || isIPv4Mapped(address) || /^0\d/.test(bits))
    warnings.push(`${path}: non-standard CIDR value ${quote(value)} is invalid: use ${quote(canonical)}`);
  const spelled = `${formatAsWritten(cidr.ip, address)}/${cidr.bits}`;
  if (warnings.length === 0 && cidr.ip.family === 'IPv6' && spelled !== value)
    warnings.push(
      `${path}: IPv6 CIDR value ${quote(value)} should be in RFC 5952 canonical format (${quote(spelled)})`,
    );
  return warnings;
}

/** An address that traffic can be sent to: of endpoints and external IPs. */
export function validateEndpointIP(value: string, path: Path): ErrorList {
  const ip = parseIPSloppy(value);
  if (!ip) return [invalid(path, value, 'must be a valid IP address')];
  const v4 = ip.family === 'IPv4';
  const within = (prefix: bigint, bits: number) => ip.value >> BigInt(widthOf(ip.family) - bits) === prefix;
  const problems: string[] = [];
  if (ip.value === 0n) problems.push(`may not be unspecified (${value})`);
  if (v4 ? within(127n, 8) : ip.value === 1n) problems.push('may not be in the loopback range (127.0.0.0/8, ::1/128)');
  if (v4 ? within(0xa9fen, 16) : within(0xfe80n >> 6n, 10))
    problems.push('may not be in the link-local range (169.254.0.0/16, fe80::/10)');
  if (v4 ? within(0xe00000n, 24) : ((ip.value >> 112n) & 0xff0fn) === 0xff02n)
    problems.push('may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)');
  return problems.map((problem) => invalid(path, value, problem));
}
