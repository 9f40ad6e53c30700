import type { IPAddress, ServiceCIDR } from '@keelson/api/generated/types/networking/v1';
import { expect, test } from 'vitest';
import { isNeeded } from './controller.ts';

const cidr = (name: string, text: string, leaving = false): ServiceCIDR => ({
  metadata: { name, ...(leaving ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
  spec: { cidrs: [text] },
  status: {},
});
const addresses = ['10.0.0.7', 'fd00::7'].map((name) => ({ metadata: { name } })) as IPAddress[];

test.each<[string, ServiceCIDR, ServiceCIDR[], boolean]>([
  ['an address lies in it', cidr('a', '10.0.0.0/24', true), [], true],
  ['none does', cidr('a', '10.0.1.0/24', true), [], false],
  ['it lies in another too', cidr('a', '10.0.0.0/24', true), [cidr('b', '10.0.0.0/16')], false],
  ['the other goes as well', cidr('a', '10.0.0.0/24', true), [cidr('b', '10.0.0.0/16', true)], true],
  ['of another family', cidr('a', 'fd00::/112', true), [cidr('b', '10.0.0.0/16')], true],
])('%s', (_, given, others, expected) => {
  expect(isNeeded(given, [given, ...others], addresses)).toBe(expected);
});
