import { expect, it } from 'vitest';
import { KeyMapping, prefixEnd } from './keys.ts';

it.each([
  ['/registry', '/registry/pods/ns/a', '/registry/pods/ns/a'],
  ['registry', '/registry/pods/ns/a', '/registry/pods/ns/a'],
  ['/elsewhere/', '/registry/pods/ns/a', '/elsewhere/pods/ns/a'],
  ['a/b', '/registry/', '/a/b/'],
  ['/elsewhere', '/registry', '/elsewhere'],
  ['/elsewhere', '/registryx/a', '/registryx/a'],
  ['/elsewhere', 'compact_rev_key', 'compact_rev_key'],
  ['/elsewhere', '/registry/ä😀', '/elsewhere/ä😀'],
])('with prefix %s, %s is %s in etcd', (prefix, key, inEtcd) => {
  const mapping = new KeyMapping(prefix);
  expect(mapping.toEtcd(key).toString()).toBe(inEtcd);
  expect(mapping.fromEtcd(Buffer.from(inEtcd))).toBe(key);
});

it.each([
  [[0x61], [0x62]],
  [[0x61, 0xff, 0xff], [0x62]],
  [[0xff], [0]],
  [[], [0]],
])('the keys that start with %j end before %j', (prefix, end) => {
  expect([...prefixEnd(Buffer.from(prefix))]).toEqual(end);
});
