import { describe, expect, test } from 'vitest';
import { type NodeFacts, planOf } from './plan.ts';

const node = (name: string, podCIDRs: string[], ...addresses: string[]): NodeFacts => ({
  metadata: { name },
  spec: { podCIDRs },
  status: {
    addresses: [
      { type: 'Hostname', address: name },
      { type: 'ExternalIP', address: '203.0.113.9' },
      ...addresses.map((address) => ({ type: 'InternalIP', address })),
    ],
  },
});
const a = node('a', ['10.244.0.0/24'], '10.0.0.1');
const b = node('b', ['10.244.1.0/24'], '10.0.0.2');
const dual = node('d', ['10.244.2.0/24', 'fd00:10:244:0002::/64'], '10.0.0.4', 'fd00:0:0::4');
const { podCIDRs: _, ...onlyOne } = { podCIDR: '10.244.3.0/24', podCIDRs: undefined };

describe('a node’s part of the network', () => {
  test.each<[string, NodeFacts[], object]>([
    ['nobody is there', [], { ranges: [], peers: [], pods: { IPv4: [], IPv6: [] } }],
    [
      'it is alone',
      [a],
      {
        ranges: ['10.244.0.0/24'],
        addresses: { IPv4: '10.0.0.1' },
        peers: [],
        pods: { IPv4: ['10.244.0.0/24'], IPv6: [] },
      },
    ],
    [
      'there is another',
      [b, a],
      {
        ranges: ['10.244.0.0/24'],
        peers: [{ family: 'IPv4', range: '10.244.1.0/24', nodeName: 'b', address: '10.0.0.2' }],
        pods: { IPv4: ['10.244.0.0/24', '10.244.1.0/24'] },
      },
    ],
    [
      'another has both families, in their short form',
      [a, dual],
      {
        peers: [
          { family: 'IPv4', range: '10.244.2.0/24', address: '10.0.0.4' },
          { family: 'IPv6', range: 'fd00:10:244:2::/64', address: 'fd00::4' },
        ],
        pods: { IPv6: ['fd00:10:244:2::/64'] },
      },
    ],
    ['another has no address of the family', [a, node('x', ['fd00:1::/64'], '10.0.0.9')], { peers: [] }],
    ['another has no range yet', [a, node('x', [], '10.0.0.9')], { peers: [] }],
    ['another tells of one range alone', [a, { ...b, spec: onlyOne }], { peers: [{ range: '10.244.3.0/24' }] }],
    ['a range is none', [a, node('x', ['all of them'], '10.0.0.9')], { peers: [] }],
  ])('%s', (_, nodes, expected) => {
    expect(planOf('a', nodes)).toMatchObject(expected);
  });
});
