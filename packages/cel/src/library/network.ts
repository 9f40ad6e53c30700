/** IP addresses and networks (k8s.io/apiserver/pkg/cel/library/ip.go, cidr.go), read as Go's net/netip reads them. */
import { quote } from '@keelson/api/field';
import {
  type CIDR,
  cidrContains,
  formatIP,
  type IP,
  isGlobalUnicast,
  isIPv4Mapped,
  networkOf,
  parseIPSloppy,
  widthOf,
} from '@keelson/api/ip';
import { type CostRange, exactly, plus, scaled, TRAVERSAL } from '../cost/range.ts';
import type { Declarations } from '../environment.ts';
import { actualSize, traversal } from '../eval/cost.ts';
import { EvaluationError, failure, noSuchOverload } from '../eval/errors.ts';
import type { Value } from '../eval/values.ts';
import type { FunctionCost } from '../functions.ts';
import { BoolType, IntType, opaqueType, StringType } from '../types/type.ts';
import { fixedCost, textCost } from './costs.ts';
import { fn, member, overload } from './declare.ts';
import { Wrapped } from './opaque.ts';

const IPType = opaqueType('net.IP');
const CIDRType = opaqueType('net.CIDR');

class IPValue extends Wrapped<IP> {
  readonly type = IPType;
  get size(): number {
    return widthOf(this.value.family) / 8;
  }
  protected key(): string {
    return formatIP(this.value);
  }
  override toString(): string {
    return formatIP(this.value);
  }
}

class CIDRValue extends Wrapped<CIDR> {
  readonly type = CIDRType;
  get size(): number {
    return Math.ceil(this.value.bits / 8);
  }
  protected key(): string {
    return this.toString();
  }
  override toString(): string {
    return `${formatIP(this.value.ip)}/${this.value.bits}`;
  }
}

/** An address without a zone. Go refuses zeros in front of decimal numbers. */
function readAddress(text: string): IP | undefined {
  const leadingZeros = text.includes('.') && /(?:^|[:.])0\d+(?=\.|$)/.test(text);
  return leadingZeros || text.includes('%') ? undefined : parseIPSloppy(text);
}

/** What Go's netip.ParseAddr says of a text; undefined for an address, with a zone or without. */
export function problemOfAddress(text: string): string | undefined {
  return readAddress(text) || isZoned(text) ? undefined : refusalOf(text);
}

/** What Go's netip.ParseAddr says of a text that is no address. */
function refusalOf(text: string): string {
  const separator = /[.:%]/.exec(text)?.[0];
  const [message, at = ''] = separator === ':' ? problemOfIPv6(text) : problemOfIPv4(text, separator);
  return `ParseAddr(${quote(text)}): ${message}${at === '' ? '' : ` (at ${quote(at)})`}`;
}

type Problem = readonly [message: string, at?: string];

function problemOfIPv4(text: string, separator = ''): Problem {
  if (separator === '') return ['unable to parse IP'];
  if (separator === '%') return ['missing IPv6 address'];
  const parts = text.split('.');
  for (const [i, part] of parts.entries()) {
    const at = parts.slice(i).join('.');
    const wrong = part.search(/\D/);
    const digits = wrong < 0 ? part : part.slice(0, wrong);
    if (digits.length > 1 && digits.startsWith('0')) return ['IPv4 field has octet with leading zero'];
    if (Number(digits) > 255) return ['IPv4 field has value >255'];
    if (wrong >= 0) return ['unexpected character', at.slice(wrong)];
    if (part === '') return ['IPv4 field must have at least one digit', i === parts.length - 1 ? '.' : at];
    if (i === 3 && parts.length === 5 && parts[4] === '') return ['IPv4 field must have at least one digit', '.'];
    if (i === 3 && parts.length > 4) return ['IPv4 address too long'];
  }
  return ['IPv4 address too short'];
}

function problemOfIPv6(text: string): Problem {
  const percent = text.indexOf('%');
  if (percent === text.length - 1) return ['zone must be a non-empty string'];
  let rest = percent < 0 ? text : text.slice(0, percent);
  let groups = 0;
  let ellipsis = false;
  if (rest.startsWith('::')) {
    ellipsis = true;
    rest = rest.slice(2);
    if (rest === '') return ['unable to parse IP'];
  }
  while (groups < 8) {
    const digits = /^[0-9a-fA-F]*/.exec(rest)![0];
    if (digits.length > 4) return ['each group must have 4 or less digits', rest];
    if (digits === '') return ['each colon-separated field must have at least one digit', rest];
    if (rest[digits.length] === '.') return problemOfEmbedded(rest, groups, ellipsis);
    groups++;
    rest = rest.slice(digits.length);
    if (rest === '') break;
    if (rest[0] !== ':') return ['unexpected character, want colon', rest];
    if (rest === ':') return ['colon must be followed by more characters', rest];
    rest = rest.slice(1);
    if (rest[0] !== ':') continue;
    if (ellipsis) return ['multiple :: in address', rest];
    ellipsis = true;
    rest = rest.slice(1);
    if (rest === '') break;
  }
  if (rest !== '') return ['trailing garbage after address', rest];
  return groups < 8 ? ['address string too short'] : ['the :: must expand to at least one field of zeros'];
}

function problemOfEmbedded(rest: string, groups: number, ellipsis: boolean): Problem {
  if (!ellipsis && groups !== 6) return ['embedded IPv4 address must replace the final 2 fields of the address', rest];
  if (groups > 6) return ['too many hex fields to fit an embedded IPv4 at the end of the address', rest];
  return problemOfIPv4(rest, '.');
}

/** An IPv6 address with a zone: `fe80::1%eth0`. */
function isZoned(text: string): boolean {
  const [address, ...zone] = text.split('%');
  return address!.includes(':') && zone.join('%') !== '' && parseIPSloppy(address!) !== undefined;
}

/** @throws EvaluationError */
function strictAddress(text: string): IP {
  const ip = readAddress(text);
  if (!ip && isZoned(text)) throw failure(`IP address ${quote(text)} with zone value is not allowed`);
  if (!ip) throw failure(`IP Address ${quote(text)} parse error during conversion from string: ${refusalOf(text)}`);
  if (isIPv4Mapped(text)) throw failure(`IPv4-mapped IPv6 address ${quote(text)} is not allowed`);
  return ip;
}

const parseIP = (text: string) => new IPValue(strictAddress(text));

const TWICE = 'network address parse error during conversion from string: ';

function parseCIDR(text: string): CIDRValue {
  const problem = (message: string) => failure(`${TWICE}${TWICE}netip.ParsePrefix(${quote(text)}): ${message}`);
  const slash = text.lastIndexOf('/');
  if (slash < 0) throw problem("no '/'");
  const [address, bits] = [text.slice(0, slash), text.slice(slash + 1)];
  const ip = readAddress(address);
  if (isZoned(address)) throw problem('IPv6 zones cannot be present in a prefix');
  if (!ip) throw problem(refusalOf(address));
  if (!/^(?:0|[1-9]\d*)$/.test(bits)) throw problem(`bad bits after slash: ${quote(bits)}`);
  const mapped = isIPv4Mapped(address);
  if (Number(bits) > (mapped ? 128 : widthOf(ip.family))) throw problem('prefix length out of range');
  if (mapped) throw failure(`${TWICE}IPv4-mapped IPv6 address ${quote(text)} is not allowed`);
  return new CIDRValue({ ip, bits: Number(bits) });
}

function succeeds(parse: (text: string) => unknown): (text: string) => boolean {
  return (text) => {
    try {
      parse(text);
      return true;
    } catch (error) {
      if (error instanceof EvaluationError) return false;
      throw error;
    }
  };
}

const isAddress = succeeds(parseIP);

function first(ip: IP, bits: bigint): bigint {
  return ip.value >> (BigInt(widthOf(ip.family)) - bits);
}

function isLoopback(ip: IP): boolean {
  return ip.family === 'IPv4' ? first(ip, 8n) === 127n : ip.value === 1n;
}

function isLinkLocalUnicast(ip: IP): boolean {
  return ip.family === 'IPv4' ? first(ip, 16n) === 0xa9fen : first(ip, 10n) === 0b1111111010n;
}

function isLinkLocalMulticast(ip: IP): boolean {
  return ip.family === 'IPv4' ? first(ip, 24n) === 0xe00000n : (first(ip, 16n) & 0xff0fn) === 0xff02n;
}

const containsIP = (cidr: CIDR, ip: IP) => cidrContains(cidr, ip);

function containsCIDR(cidr: CIDR, other: CIDR): boolean {
  return cidr.bits <= other.bits && cidrContains(cidr, networkOf(other));
}

function property(name: string, id: string, holds: (ip: IP) => boolean) {
  return fn(name, [member(id, [IPType], BoolType, (ip: IPValue) => holds(ip.value))], { cost: fixedCost(1) });
}

/** The bytes of an address. */
const BYTES: CostRange = { min: 4, max: 16 };

/** Comparing prefixes; masking one first where networks are compared; reading what is given as text. */
function containmentCost(masks: boolean): FunctionCost {
  return {
    estimate({ overload: id, args: [other] }) {
      const masking = masks ? plus(scaled(BYTES, TRAVERSAL), exactly(1)) : exactly(0);
      const reading = id.endsWith('_string') && other ? scaled(other.size, TRAVERSAL) : exactly(0);
      return { cost: plus(scaled(plus(BYTES, BYTES), TRAVERSAL), masking, reading) };
    },
    actual([cidr = null, other = null], id) {
      const comparing = Math.ceil(2 * actualSize(cidr) * TRAVERSAL);
      return comparing + (masks ? traversal(cidr) + 1 : 0) + (id.endsWith('_string') ? traversal(other) : 0);
    },
  };
}

const toText = (value: Value) => String(value);

export const NETWORK: Declarations = {
  types: { 'net.IP': IPType, 'net.CIDR': CIDRType },
  functions: [
    fn(
      'ip',
      [
        overload('string_to_ip', [StringType], IPType, parseIP),
        member('cidr_ip', [CIDRType], IPType, (cidr: CIDRValue) => new IPValue(cidr.value.ip)),
      ],
      {
        cost: {
          estimate: (call) => (call.overload === 'cidr_ip' ? { cost: exactly(1) } : textCost().estimate!(call)),
          actual: ([text = null], id) => (id === 'cidr_ip' ? 1 : traversal(text)),
        },
      },
    ),
    fn('isIP', [overload('is_ip', [StringType], BoolType, isAddress)], { cost: textCost() }),
    fn(
      'ip.isCanonical',
      [overload('ip_is_canonical', [StringType], BoolType, (text: string) => formatIP(strictAddress(text)) === text)],
      { cost: textCost(2) },
    ),
    fn('family', [member('ip_family', [IPType], IntType, (ip: IPValue) => (ip.value.family === 'IPv4' ? 4n : 6n))], {
      cost: fixedCost(1),
    }),
    property('isUnspecified', 'ip_is_unspecified', (ip) => ip.value === 0n),
    property('isLoopback', 'ip_is_loopback', isLoopback),
    property('isLinkLocalMulticast', 'ip_is_link_local_multicast', isLinkLocalMulticast),
    property('isLinkLocalUnicast', 'ip_is_link_local_unicast', isLinkLocalUnicast),
    property('isGlobalUnicast', 'ip_is_global_unicast', isGlobalUnicast),
    fn('string', [
      overload('ip_to_string', [IPType], StringType, toText),
      overload('cidr_to_string', [CIDRType], StringType, toText),
    ]),
    fn('cidr', [overload('string_to_cidr', [StringType], CIDRType, parseCIDR)], { cost: textCost() }),
    fn('isCIDR', [overload('is_cidr', [StringType], BoolType, succeeds(parseCIDR))], { cost: textCost() }),
    fn(
      'containsIP',
      [
        member('cidr_contains_ip_string', [CIDRType, StringType], BoolType, (cidr: CIDRValue, ip: string) => {
          if (!isAddress(ip)) throw noSuchOverload();
          return containsIP(cidr.value, strictAddress(ip));
        }),
        member('cidr_contains_ip_ip', [CIDRType, IPType], BoolType, (cidr: CIDRValue, ip: IPValue) =>
          containsIP(cidr.value, ip.value),
        ),
      ],
      { cost: containmentCost(false) },
    ),
    fn(
      'containsCIDR',
      [
        member('cidr_contains_cidr_string', [CIDRType, StringType], BoolType, (cidr: CIDRValue, other: string) =>
          containsCIDR(cidr.value, parseCIDR(other).value),
        ),
        member('cidr_contains_cidr', [CIDRType, CIDRType], BoolType, (cidr: CIDRValue, other: CIDRValue) =>
          containsCIDR(cidr.value, other.value),
        ),
      ],
      { cost: containmentCost(true) },
    ),
    fn(
      'prefixLength',
      [member('cidr_prefix_length', [CIDRType], IntType, (cidr: CIDRValue) => BigInt(cidr.value.bits))],
      { cost: fixedCost(1) },
    ),
    fn(
      'masked',
      [
        member('cidr_masked', [CIDRType], CIDRType, (cidr: CIDRValue) => {
          return new CIDRValue({ ip: networkOf(cidr.value), bits: cidr.value.bits });
        }),
      ],
      { cost: fixedCost(1) },
    ),
  ],
};
