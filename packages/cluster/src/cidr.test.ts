import { expect, test } from 'vitest';
import { addressAt, parseCidr } from './cidr.ts';

test.each([
  ['10.96.0.0/12', 1, '10.96.0.1'],
  ['10.111.2.3/12', 0, '10.96.0.0'],
  ['255.255.255.255/32', 0, '255.255.255.255'],
  ['0.0.0.0/0', 257, '0.0.1.1'],
  ['fd00:10:96::/112', 1, 'fd00:10:96::1'],
  ['fd00:10:96:0:ffff::ffff/64', 10, 'fd00:10:96::a'],
  ['::/0', 1, '::1'],
  ['::ffff:1.2.3.4/128', 0, '::ffff:102:304'],
])('%s + %d is %s', (cidr, offset, address) => {
  expect(addressAt(parseCidr(cidr)!, offset)).toBe(address);
});

test.each(['', '10.0.0.0', '10.0.0.0/', '10.0.0.0/33', '10.0.0/8', 'fd00::/129', 'x/8', '10.0.0.0/-1'])(
  '%j is none',
  (text) => {
    expect(parseCidr(text)).toBeUndefined();
  },
);
