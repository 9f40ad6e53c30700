import { describe, expect, it } from 'vitest';
import {
  cidrContains,
  formatCIDR,
  formatIP,
  hasLeadingZeros,
  isGlobalUnicast,
  isIPv4Mapped,
  parseCIDRSloppy,
  parseIPSloppy,
} from './ip.ts';

describe('addresses', () => {
  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['010.000.0.01', '10.0.0.1'],
    ['::', '::'],
    ['::1', '::1'],
    ['1::', '1::'],
    ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['fe80:0:0:0:0:0:0:0abc', 'fe80::abc'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['::ffff:1.2.3.4', '1.2.3.4'],
    ['64:ff9b::1.2.3.4', '64:ff9b::102:304'],
  ])('%s is %s', (text, canonical) => expect(formatIP(parseIPSloppy(text)!)).toBe(canonical));

  it.each([
    '',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    'a',
    ':::',
    '1::2::3',
    '12345::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7::8',
    '1.2.3.4::',
    'fe80::1%eth0',
    ' 1.2.3.4',
  ])('%s is none', (text) => expect(parseIPSloppy(text)).toBeUndefined());

  it.each([
    ['1.2.3.4', false, false],
    ['1.02.3.4', true, false],
    ['1.0.3.00', true, false],
    ['::ffff:1.2.3.4', false, true],
    ['::ffff:0102:0304', false, true],
    ['0::1', false, false],
  ])('%s: leading zeros %s, mapped %s', (text, zeros, mapped) => {
    expect(hasLeadingZeros(text)).toBe(zeros);
    expect(isIPv4Mapped(text)).toBe(mapped);
  });
});

describe('CIDRs', () => {
  it.each([
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3/032', '10.1.2.3/32'],
    ['2001:db8::1/64', '2001:db8::/64'],
    ['::ffff:10.1.0.0/104', '10.0.0.0/8'],
  ])('%s is %s', (text, canonical) => expect(formatCIDR(parseCIDRSloppy(text)!)).toBe(canonical));

  it.each(['10.0.0.0', '10.0.0.0/33', '10.0.0.0/-1', '::/129', '/8', 'x/8'])('%s is none', (text) =>
    expect(parseCIDRSloppy(text)).toBeUndefined(),
  );

  it('hold addresses of their family', () => {
    const cidr = parseCIDRSloppy('10.0.0.0/30')!;
    expect(['10.0.0.0', '10.0.0.3', '10.0.0.4', '::a00:0'].map((t) => cidrContains(cidr, parseIPSloppy(t)!))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

it.each([
  ['10.0.0.1', true],
  ['192.0.2.2', true],
  ['127.0.0.1', false],
  ['169.254.1.1', false],
  ['224.0.0.1', false],
  ['255.255.255.255', false],
  ['0.0.0.0', false],
  ['fd00::2', true],
  ['2001:db8::1', true],
  ['::1', false],
  ['::', false],
  ['fe80::1', false],
  ['ff02::1', false],
  ['::ffff:127.0.0.1', false],
])('%s is global unicast: %s', (text, is) => {
  expect(isGlobalUnicast(parseIPSloppy(text)!)).toBe(is);
});
