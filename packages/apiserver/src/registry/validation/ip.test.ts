import { Path } from '@keelson/api/field';
import { describe, expect, it } from 'vitest';
import { isEnabledByDefault } from '../../gates.ts';
import { texts } from '../testing.ts';
import {
  validateCIDR,
  validateEndpointIP,
  validateIP,
  validateLegacyCIDR,
  validateLegacyIP,
  warningsForCIDR,
  warningsForIP,
} from './ip.ts';

const path = Path.of('p');
const wrong = (value: string, detail: string) => [`p: Invalid value: "${value}": ${detail}`];

describe('addresses', () => {
  it.each([
    ['1.2.3.4', []],
    ['FE80::1', []],
    ['x', wrong('x', 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')],
    ['1.2.3.04', wrong('1.2.3.04', 'must not have leading 0s')],
    ['::ffff:1.2.3.4', wrong('::ffff:1.2.3.4', 'must not be an IPv4-mapped IPv6 address')],
  ])('legacy %s', (value, expected) =>
    expect(texts(validateLegacyIP(path, value, isEnabledByDefault))).toEqual(expected),
  );

  it('accepts what was there before', () => expect(validateLegacyIP(path, 'x', isEnabledByDefault, ['x'])).toEqual([]));
  it('strict wants the canonical form', () =>
    expect(texts(validateIP(path, 'FE80::1'))).toEqual(wrong('FE80::1', 'must be in canonical form ("fe80::1")')));

  it.each([
    ['1.2.3.4', []],
    ['1.2.3.04', ['p: non-standard IP address "1.2.3.04" is invalid: use "1.2.3.4"']],
    ['::ffff:1.2.3.4', ['p: non-standard IP address "::ffff:1.2.3.4" is invalid: use "1.2.3.4"']],
    ['FE80::1', ['p: IPv6 address "FE80::1" should be in RFC 5952 canonical format ("fe80::1")']],
  ])('warnings for %s', (value, expected) => expect(warningsForIP(path, value)).toEqual(expected));

  it.each([
    ['1.2.3.4', []],
    ['0.0.0.0', wrong('0.0.0.0', 'may not be unspecified (0.0.0.0)')],
    ['127.1.2.3', wrong('127.1.2.3', 'may not be in the loopback range (127.0.0.0/8, ::1/128)')],
    ['::1', wrong('::1', 'may not be in the loopback range (127.0.0.0/8, ::1/128)')],
    ['169.254.1.1', wrong('169.254.1.1', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')],
    ['febf::1', wrong('febf::1', 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')],
    ['224.0.0.1', wrong('224.0.0.1', 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')],
    ['ff02::1', wrong('ff02::1', 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')],
    ['ff05::1', []],
  ])('endpoint %s', (value, expected) => expect(texts(validateEndpointIP(value, path))).toEqual(expected));
});

describe('CIDRs', () => {
  it.each([
    ['10.0.0.0/8', []],
    ['x', wrong('x', 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')],
    ['10.0.0.0/08', wrong('10.0.0.0/08', 'must not have leading 0s in IP or prefix length')],
    ['::ffff:10.0.0.0/104', wrong('::ffff:10.0.0.0/104', 'must not have an IPv4-mapped IPv6 address')],
    ['10.0.0.1/8', wrong('10.0.0.1/8', 'must not have bits set beyond the prefix length')],
  ])('legacy %s', (value, expected) =>
    expect(texts(validateLegacyCIDR(path, value, isEnabledByDefault))).toEqual(expected),
  );

  it('strict wants the canonical form', () =>
    expect(texts(validateCIDR(path, 'FD00::/64'))).toEqual(
      wrong('FD00::/64', 'must be in canonical form ("fd00::/64")'),
    ));

  it.each([
    ['10.0.0.0/8', []],
    [
      '10.0.0.1/8',
      ['p: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)'],
    ],
    ['10.0.0.0/08', ['p: non-standard CIDR value "10.0.0.0/08" is invalid: use "10.0.0.0/8"']],
    ['FD00::/64', ['p: IPv6 CIDR value "FD00::/64" should be in RFC 5952 canonical format ("fd00::/64")']],
  ])('warnings for %s', (value, expected) => expect(warningsForCIDR(path, value)).toEqual(expected));
});
