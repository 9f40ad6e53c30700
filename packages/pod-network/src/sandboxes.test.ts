import { expect, test } from 'vitest';
import { sandboxOf } from './sandboxes.ts';

const args = (...more: readonly (readonly string[])[]) => [
  ['K8S_POD_NAMESPACE', 'a'],
  ['K8S_POD_NAME', 'web'],
  ...more,
];
const result = { ips: [{ address: '10.1.0.9/24' }, { address: 'fd00::9/64' }, { address: '?' }] };

test.each<[string, object | string, unknown]>([
  [
    'of a pod',
    { cniArgs: args(['K8S_POD_UID', 'u']), result },
    { pod: 'a/web', uid: 'u', addresses: ['10.1.0.9', 'fd00::9'] },
  ],
  ['of an older runtime', { cniArgs: args(), result }, expect.objectContaining({ pod: 'a/web', uid: undefined })],
  ['without a network', { cniArgs: args(), result: {} }, undefined],
  ['of no pod', { cniArgs: [['IgnoreUnknown', '1'], null], result }, undefined],
  ['half written', '{"kind":"cniCacheV1","cniArgs":', undefined],
  ['something else', 'null', undefined],
])('a record %s', (_, record, expected) => {
  expect(sandboxOf(typeof record === 'string' ? record : JSON.stringify(record))).toEqual(expected);
});
